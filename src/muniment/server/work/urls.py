"""Addresses of somebody's work."""

from django.urls import path

from muniment.server.work import views

app_name = "work"
urlpatterns = [
    path("work", views.approvals, name="approvals"),
    path("work/exceptions", views.mine, name="mine"),
    path("work/calendar", views.calendar, name="calendar"),
    path("work/board", views.board, name="board"),
    path("work/bulk", views.bulk, name="bulk"),
    path("search", views.search, name="search"),
]
