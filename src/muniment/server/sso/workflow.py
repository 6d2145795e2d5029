"""The states of a connection, and who may come in through it. Pure: nothing here asks the database or the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from muniment.core.errors import Refused


class State(StrEnum):
    """Of a connection. Only `active` ones let people in; the others can be tested by who manages them."""

    DRAFT = "draft"
    TESTED = "tested"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Transition:
    """One way from a state to another.

    Attributes:
        act: what is done.
        before: in which states it may be.
        after: the state afterwards.
    """

    act: str
    before: tuple[State, ...]
    after: State


TRANSITIONS: Final = (
    Transition("test", (State.DRAFT, State.TESTED), State.TESTED),
    Transition("activate", (State.TESTED, State.DISABLED), State.ACTIVE),
    Transition("disable", (State.ACTIVE,), State.DISABLED),
    Transition("redraft", (State.DRAFT, State.TESTED), State.DRAFT),
)


def after(state: str, act: str) -> State:
    """The state after doing `act`.

    Raises:
        Refused: if it cannot be done in this state.
    """
    for transition in TRANSITIONS:
        if transition.act == act and state in transition.before:
            return transition.after
    if act == "activate" and state == State.DRAFT:
        raise Refused("test the connection first", "state")
    raise Refused(f"a connection that is {state} cannot be changed in this way", "state")


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider said about somebody, after every check of the protocol.

    Attributes:
        subject: the provider's id for the person: `sub`, or the NameID.
        email: in lower case; "" if none was sent.
        email_verified: as sent; None if nothing was said.
        name: for people.
        groups: as the provider spells them.
    """

    subject: str
    email: str = ""
    email_verified: bool | None = None
    name: str = ""
    groups: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """Of the address."""
        return self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here when somebody comes with claims.

    Attributes:
        identity_user: the account that this connection's subject was linked with.
        identity_member: that account is a member whose time is not over.
        address_taken: an account has this address.
        domain_verified: the tenant proved that the address's domain is its own.
        joins: people may become members by signing in.
        speaks_for_email: see `Preset`.
        gives_roles: the groups, or the default, give at least one role.
    """

    identity_user: str | None
    identity_member: bool
    address_taken: bool
    domain_verified: bool
    joins: bool
    speaks_for_email: bool
    gives_roles: bool


class Refusal(StrEnum):
    """Why somebody with good claims is not let in; the value stands in the record."""

    NOT_A_MEMBER = "not-a-member"
    NOT_LINKED = "not-linked"
    NO_JOINING = "no-joining"
    NO_ADDRESS = "no-address"
    ADDRESS_UNVERIFIED = "address-unverified"
    DOMAIN_UNVERIFIED = "domain-unverified"
    NO_ROLE = "no-role"


def decide(claims: Claims, known: Known) -> Refusal | None:
    """Why these claims do not let anybody in; None for the linked account, or for a new one where there is none.

    An address alone never leads to an account that is there already.
    """
    if known.identity_user is not None:
        return None if known.identity_member else Refusal.NOT_A_MEMBER
    if known.address_taken:
        return Refusal.NOT_LINKED
    if not known.joins:
        return Refusal.NO_JOINING
    if not claims.email:
        return Refusal.NO_ADDRESS
    if not known.domain_verified:
        return Refusal.DOMAIN_UNVERIFIED
    if claims.email_verified is not True and not (claims.email_verified is None and known.speaks_for_email):
        return Refusal.ADDRESS_UNVERIFIED
    return None if known.gives_roles else Refusal.NO_ROLE


def roles_from_groups(groups: Sequence[str], group_roles: Mapping[str, str]) -> set[str]:
    """Ids of the roles that groups give."""
    return {group_roles[group] for group in groups if group in group_roles}


def synchronised(now: Sequence[str], groups: Sequence[str], group_roles: Mapping[str, str]) -> list[str]:
    """A member's roles after signing in: those under the provider's control follow the groups, all others stay.

    >>> synchronised(["rol_mine", "rol_old"], ["staff"], {"staff": "rol_new", "former": "rol_old"})
    ['rol_mine', 'rol_new']
    """
    given = roles_from_groups(groups, group_roles)
    return sorted((set(now) - set(group_roles.values())) | given)
