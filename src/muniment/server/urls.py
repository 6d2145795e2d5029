"""Addresses: every one of them is an operation of the API."""

from django.urls import path

from muniment.server.api.application import api

urlpatterns = [path("", api.urls)]
