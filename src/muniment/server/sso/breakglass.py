"""The way in while the provider fails: a tenant that demands single sign-on keeps an administrator who needs none."""

from __future__ import annotations

from collections.abc import Iterable

from allauth.mfa.models import Authenticator

from muniment.core.errors import Refused
from muniment.server.accounts.models import User
from muniment.server.members.directory import Directory, Holder
from muniment.server.members.workflow import Change, lasting_administrators
from muniment.server.sso.models import SsoPolicy


def ways_in(state: Directory) -> set[str]:
    """Ids of the members of the open tenant who can come in without its provider, and administer it for good.

    An account that is off, or that has neither a password nor a passkey, is no way in.
    """
    holders = [holder for holder in lasting_administrators(state) if holder.break_glass]
    able = _able({_user_of(holder) for holder in holders})
    return {holder.id for holder in holders if _user_of(holder) in able}


def a_way_in_stays(change: Change) -> None:
    """Where single sign-on is demanded and somebody can come in without it, somebody still can afterwards.

    Raises:
        Refused: otherwise.
    """
    if not SsoPolicy.objects.filter(enforced=True).exists():
        return
    if ways_in(change.before) and not ways_in(change.after):
        raise Refused("this is the last administrator with break-glass access: give it to another first", "member")


def _user_of(holder: Holder) -> str:
    return holder.subject.partition(":")[2]


def _able(users: Iterable[str]) -> set[str]:
    people = {user.pk: user for user in User.objects.filter(is_active=True, pk__in=list(users))}
    passkeys = Authenticator.objects.filter(user_id__in=list(people), type=Authenticator.Type.WEBAUTHN)
    able = set(passkeys.values_list("user_id", flat=True))
    return able | {pk for pk, user in people.items() if user.has_usable_password()}
