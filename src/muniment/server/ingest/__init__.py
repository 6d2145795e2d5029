"""Appending over HTTP: a bare ASGI application in front of Django, so that no middleware is in an event's way."""
