"""How Django knows this application."""

from django.apps import AppConfig


class PacketBuildingConfig(AppConfig):
    """Packets that were built, as what they are made again from."""

    name = "muniment.server.packets.building"
    label = "packet_building"
