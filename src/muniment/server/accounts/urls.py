"""Addresses of people's accounts: those that allauth names, and our own."""

from django.urls import include, path

from muniment.server.accounts import views_security, views_signin

# Under the names that allauth uses; what of allauth is not here is not routed.
LIBRARY = (
    path("account/login", views_signin.sign_in, name="account_login"),
    path("account/second-factor", views_signin.second_factor, name="mfa_authenticate"),
    path("account/logout", views_signin.sign_out, name="account_logout"),
)
OWN = (path("", views_security.security, name="security"),)
urlpatterns = [*LIBRARY, path("account", include((OWN, "account")))]
