"""What allauth asks of this installation. Everything that it leaves open is decided here or not routed at all."""

from __future__ import annotations

import time
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch, reverse

from muniment.core.errors import Refused
from muniment.server.accounts import gates
from muniment.server.accounts.addresses import client_address
from muniment.server.accounts.events import record_account
from muniment.server.accounts.factors import has_factor
from muniment.server.accounts.models import User
from muniment.server.accounts.nexts import safe_path
from muniment.server.tenants.middleware import tenant_of

# When a session began and when it was last used, in seconds since the Unix epoch.
BEGAN: Final = "muniment_began"
SEEN: Final = "muniment_seen"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-in as allauth runs it, with what is added on the way."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody makes an account for themselves: it comes from setup, an invitation or single sign-on."""
        del request
        return False

    def is_safe_url(self, url: str) -> bool:
        """Only paths of this server."""
        return safe_path(url) is not None

    def get_client_ip(self, request: HttpRequest) -> str:
        """See `addresses`."""
        return client_address(request)

    def format_email_subject(self, subject: str) -> str:
        """As it is."""
        return str(subject)

    def get_login_stages(self) -> list[str]:
        """What stands between a proof of identity and being signed in, for passwords and single sign-on alike."""
        return [
            "allauth.account.stages.EmailVerificationStage",
            "muniment.server.accounts.stages.SecondFactorStage",
        ]

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any) -> HttpResponse | None:
        """Refuse who may not sign in this way."""
        refused = gates.first_refusal(request, _person(user), methods_of(request, _person(user)))
        return refused or super().pre_login(request, user, **kwargs)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Sign in: recorded first, so that there is no session that the ledger does not know of."""
        person = _person(user)
        if not person.is_active:
            raise Refused("the account is closed", "account")
        methods = methods_of(request, person)
        record_account(
            request, "user.login", person, labels={"method": "+".join(methods), "second_factor": "mfa" in methods}
        )
        super().login(request, user)
        User.objects.filter(pk=person.pk).update(sign_ins=F("sign_ins") + 1)
        person.refresh_from_db(fields=["sign_ins"])
        request.session[BEGAN] = request.session[SEEN] = int(time.time())

    def logout(self, request: HttpRequest) -> None:
        """Sign out, which is recorded."""
        user = request.user
        if isinstance(user, User):
            record_account(request, "user.logout", user)
        super().logout(request)

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """The tenant that was named, or the choice of one."""
        for name in ("overview:home",) if tenant_of(request) is not None else ("tenants:choose",):
            try:
                return reverse(name)
            except NoReverseMatch:
                continue
        return reverse("account:security")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """The sign-in page."""
        del request
        return reverse("account_login")

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """The account's page."""
        del request
        return reverse("account:security")


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors as allauth asks for them; secrets are `factors`' alone."""

    def encrypt(self, text: str) -> str:
        """Refused: allauth does not say whose secret it is, so it could be moved into another person's row."""
        del text
        raise Refused("secrets of second factors are sealed by muniment.server.accounts.factors", "authenticator")

    def decrypt(self, encrypted_text: str) -> str:
        """Refused, as `encrypt`."""
        del encrypted_text
        raise Refused("secrets of second factors are opened by muniment.server.accounts.factors", "authenticator")

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Never by allauth's own views."""
        del authenticator
        return False

    def is_mfa_enabled(self, user: AbstractBaseUser, types: Any = None) -> bool:
        """Whether there is an authenticator app or a passkey; recovery codes alone are none."""
        del types
        return isinstance(user, User) and has_factor(user)


def methods_of(request: HttpRequest, user: User) -> tuple[str, ...]:
    """How the person proved who they are in this session: password, socialaccount, passkey, mfa; each once."""
    found = []
    for row in get_authentication_records(request, user):
        method = "passkey" if row.get("passwordless") else str(row.get("method"))
        found += [method, "mfa"] if method == "passkey" else [method]
    return tuple(dict.fromkeys(found)) or ("unknown",)


def _person(user: AbstractBaseUser) -> User:
    if not isinstance(user, User):
        raise TypeError("not a person's account")
    return user
