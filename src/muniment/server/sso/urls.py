"""Addresses of single sign-on: settings under `/sign-in`, the way to providers and back under `/sso`."""

from django.urls import path

from muniment.server.sso import views, views_signin

app_name = "sso"
urlpatterns = [
    path("sign-in", views.overview, name="list"),
    path("sign-in/new/<slug:preset>", views.create, name="create"),
    path("sign-in/policy", views.policy, name="policy"),
    path("sign-in/break-glass", views.break_glass, name="break-glass"),
    path("sign-in/domains", views.add_domain, name="add-domain"),
    path("sign-in/domains/<slug:domain_id>/<slug:what>", views.domain, name="domain"),
    path("sign-in/connections/<slug:connection_id>", views.connection, name="connection"),
    path("sign-in/connections/<slug:connection_id>/trial", views_signin.trial, name="trial"),
    path("sign-in/connections/<slug:connection_id>/<slug:what>", views.act, name="act"),
    path("sso/", views_signin.choose, name="choose"),
    path("sso/<slug:connection_id>/start", views_signin.start, name="start"),
    path("sso/<slug:connection_id>/link", views_signin.link, name="link"),
    path("sso/<slug:connection_id>/callback", views_signin.oidc_callback, name="oidc-callback"),
    path("sso/<slug:connection_id>/acs", views_signin.saml_acs, name="saml-acs"),
    path("sso/<slug:connection_id>/finish", views_signin.saml_finish, name="saml-finish"),
    path("sso/<slug:connection_id>/metadata", views_signin.saml_metadata, name="saml-metadata"),
]
