"""Addresses of people's accounts: those that allauth names, and our own. What of allauth is not here is not routed."""

from django.urls import include, path

from muniment.server.accounts import views_factors, views_mail, views_security, views_signin

LIBRARY = (
    path("account/login", views_signin.sign_in, name="account_login"),
    path("account/second-factor", views_signin.second_factor, name="mfa_authenticate"),
    path("account/logout", views_signin.sign_out, name="account_logout"),
    path("account/password", views_security.change_password, name="account_change_password"),
    path("account/password/forgot", views_mail.forgot, name="account_reset_password"),
    path("account/password/forgot/sent", views_mail.forgot_sent, name="account_reset_password_done"),
    path(
        "account/password/new/<str:user_id>/<str:token>",
        views_mail.new_password,
        name="account_reset_password_from_key",
    ),
    path("account/address/sent", views_mail.confirm_sent, name="account_email_verification_sent"),
    path("account/address/<str:key>", views_mail.confirm_address, name="account_confirm_email"),
)
OWN = (
    path("account", views_security.security, name="security"),
    path("account/theme", views_security.theme, name="theme"),
    path("account/sessions", views_security.session_list, name="sessions"),
    path("account/login/passkey", views_signin.passkey_sign_in, name="passkey-login"),
    path("account/login/passkey/options", views_signin.passkey_options, name="passkey-options"),
    path("account/second-factor/options", views_signin.second_factor_options, name="second-factor-options"),
    path("account/recover/<str:token>", views_mail.recover, name="recover"),
    path("account/step-up", views_factors.step_up, name="step-up"),
    path("account/step-up/options", views_factors.step_up_options, name="step-up-options"),
    path("account/second-factors/new", views_factors.enrol, name="enrol"),
    path("account/second-factors/app", views_factors.add_authenticator, name="add-app"),
    path("account/second-factors/passkey", views_factors.add_passkey, name="add-passkey"),
    path("account/second-factors/passkey/options", views_factors.new_passkey_options, name="new-passkey-options"),
    path("account/second-factors/recovery-codes", views_factors.recovery_codes, name="recovery-codes"),
    path("account/second-factors/<int:number>/remove", views_factors.remove_factor, name="remove-factor"),
    path("account/second-factors/<int:number>/name", views_factors.rename_passkey, name="rename-passkey"),
)
urlpatterns = [*LIBRARY, path("", include((OWN, "account")))]
