"""The server of the server tests, as everybody may or may not use it."""

import os

import django

from tests.server.conftest import installation_tenant

# The URL table is Django's. No database is asked in this process: the server has one of its own.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
django.setup()

__all__ = ("installation_tenant",)
