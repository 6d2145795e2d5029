"""Addresses of attachments."""

from django.urls import path

from muniment.server.attachments import held, views

app_name = "attachments"
urlpatterns = [
    path("attachments", views.index, name="list"),
    path("attachments/add", views.add, name="add"),
    path("attachments/limit", views.limit, name="limit"),
    path("attachments/quarantine", held.quarantine, name="quarantine"),
    path("attachments/<str:attachment_id>", views.attachment, name="attachment"),
    path("attachments/<str:attachment_id>/replace", views.replace, name="replace"),
    path("attachments/<str:attachment_id>/withdraw", views.withdraw, name="withdraw"),
    path("attachments/<str:attachment_id>/scan", held.scan, name="scan"),
    path("attachments/<str:attachment_id>/release", held.release, name="release"),
    path("attachments/<str:attachment_id>/content", views.content, name="content"),
]
