"""The second factor as a stage of every sign-in, whatever came first."""

from __future__ import annotations

from typing import Final

from allauth.account.internal.stagekit import clear_login
from allauth.account.stages import LoginStage
from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from muniment.server.accounts.factors import has_factor
from muniment.server.accounts.models import User

# Of a sign-in that waits: which password was given, as the hash by which Django knows it in sessions.
PROVEN: Final = "muniment_password"


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
    """The stage of the sign-in that waits in this session, if it is this one and its password is still the person's."""
    from allauth.account.stages import LoginStageController

    found = LoginStageController.enter(request, SecondFactorStage.key)
    if not isinstance(found, SecondFactorStage) or not isinstance(found.login.user, User):
        return None
    proven = found.login.state.get(PROVEN)
    if proven is not None and not constant_time_compare(proven, found.login.user.get_session_auth_hash()):
        clear_login(request)
        return None
    return found
