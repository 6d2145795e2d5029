"""Addresses of packets that were built."""

from django.urls import path

from muniment.server.packets.building import views

app_name = "packet_building"
urlpatterns = [
    path("register-files", views.registers, name="registers"),
    path("packets/built", views.index, name="list"),
    path("packets/built/new", views.build, name="build"),
    path("packets/built/<str:packet_id>", views.packet, name="packet"),
    path("packets/built/<str:packet_id>/take", views.take, name="take"),
]
