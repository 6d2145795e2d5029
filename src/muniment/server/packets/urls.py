"""Addresses of the packet desk."""

from django.urls import path

from muniment.server.packets.views import collecting, requests, rules, scopes

app_name = "packets"
urlpatterns = [
    path("packets", requests.index, name="list"),
    path("packets/scopes", scopes.index, name="scopes"),
    path("packets/scopes/new", scopes.new, name="new-scope"),
    path("packets/scopes/<str:scope_id>", scopes.scope, name="scope"),
    path("packets/scopes/<str:scope_id>/change", scopes.change, name="change-scope"),
    path("packets/scopes/<str:scope_id>/ask", requests.ask, name="ask"),
    path("packets/requests/<str:request_id>", requests.request_page, name="request"),
    path("packets/requests/<str:request_id>/decide", requests.decide, name="decide"),
    path("packets/requests/<str:request_id>/withdraw", requests.withdraw, name="withdraw"),
    path("packets/requests/<str:request_id>/sign", requests.sign, name="sign"),
    path("packets/requests/<str:request_id>/build", requests.build, name="build"),
    path("packets/requests/<str:request_id>/link", requests.link, name="link"),
    path("packets/requests/<str:request_id>/take", requests.take, name="take"),
    path("packets/rules", rules.index, name="rules"),
    path("packets/rules/set", rules.set_rules, name="set-rules"),
    path("packets/rules/publish", rules.publish, name="publish"),
    path("packets/texts/<str:nda_id>", rules.text, name="text"),
    path("packets/collect/<str:token>", collecting.collect, name="collect"),
    path("packets/collect/<str:token>/sign", collecting.sign, name="collect-sign"),
    path("packets/collect/<str:token>/take", collecting.take, name="collect-take"),
]
