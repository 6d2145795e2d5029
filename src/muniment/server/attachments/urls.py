"""Addresses of attachments."""

from django.urls import path

from muniment.server.attachments import views

app_name = "attachments"
urlpatterns = [
    path("attachments", views.index, name="list"),
    path("attachments/add", views.add, name="add"),
    path("attachments/limit", views.limit, name="limit"),
    path("attachments/<str:attachment_id>", views.attachment, name="attachment"),
    path("attachments/<str:attachment_id>/replace", views.replace, name="replace"),
    path("attachments/<str:attachment_id>/withdraw", views.withdraw, name="withdraw"),
    path("attachments/<str:attachment_id>/content", views.content, name="content"),
]
