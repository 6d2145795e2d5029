"""The second factor as a stage of every sign-in, whatever came first."""

from __future__ import annotations

from allauth.account.stages import LoginStage
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from muniment.server.accounts.factors import has_factor


class SecondFactorStage(LoginStage):  # type: ignore[misc]
    """Asks who has a second factor for it; only a passkey that verified its user stands for both."""

    key = AuthenticateStage.key
    urlname = "mfa_authenticate"

    def handle(self) -> tuple[HttpResponseBase | None, bool]:
        """Go on, or to the page that asks."""
        user = self.login.user
        if user is None or not has_factor(user) or did_use_passwordless_login(self.request, user):
            return None, True
        return HttpResponseRedirect(reverse(self.urlname)), True


def pending(request: HttpRequest) -> SecondFactorStage | None:
    """The stage of the sign-in that waits in this session, if it is this one."""
    from allauth.account.stages import LoginStageController

    found = LoginStageController.enter(request, SecondFactorStage.key)
    return found if isinstance(found, SecondFactorStage) and found.login.user is not None else None
