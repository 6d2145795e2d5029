"""Attacks on the open tenant from inside the server's own code: `python -m tests.tenants.inside` runs all of them.

They need Django over a real database, with the pool of connections that the server has, so they run in a process of
their own: `MUNIMENT_APP_URL` says where, the two arguments are the ids of two tenants. Prints, as JSON, for each attack
"" if it was held off, else what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest

Attack = Callable[[UUID, UUID], None]
ATTACKS: dict[str, Attack] = {}


def attack(function: Attack) -> Attack:
    """Name an attack by what holds it off."""
    ATTACKS[function.__name__] = function
    return function


def seen() -> set[UUID]:
    """Whose rows the connection sees, in every tenant table that has rows of both."""
    from muniment.server.members.models import Role
    from muniment.server.tenants.models import TenantProfile, Workspace

    found = [
        set(model._default_manager.values_list("tenant_id", flat=True)) for model in (TenantProfile, Workspace, Role)
    ]
    assert found[0] == found[1] == found[2], found
    return {UUID(str(tenant)) for tenant in found[0]}


def backend() -> int:
    """Which process of the database answers: the same one for the same connection."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def scope(tenant_id: UUID) -> Any:
    from muniment.server.tenants.scope import tenant_scope

    return tenant_scope(tenant_id)


@attack
def a_scope_ends_with_its_block(ours: UUID, theirs: UUID) -> None:
    assert seen() == set()
    before = backend()
    for tenant in (ours, theirs, ours):
        with scope(tenant):
            assert seen() == {tenant}
        assert seen() == set()
    assert backend() == before, "another connection answered, so nothing was shown"


@attack
def nothing_is_left_after_an_exception(ours: UUID, theirs: UUID) -> None:
    from django.db import DatabaseError, connection

    def raises() -> None:
        raise KeyError("a defect of a view")

    def stops() -> None:
        raise KeyboardInterrupt

    def fails_in_the_database() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    def is_swallowed() -> None:
        with suppress(DatabaseError):
            fails_in_the_database()

    before = backend()
    for goes_wrong in (raises, stops, fails_in_the_database, is_swallowed):
        with suppress(KeyError, KeyboardInterrupt, DatabaseError), scope(theirs):
            goes_wrong()
        assert seen() == set(), goes_wrong.__name__
        with scope(ours):
            assert seen() == {ours}, goes_wrong.__name__
    assert backend() == before


@attack
def what_a_failed_scope_wrote_is_gone(ours: UUID, theirs: UUID) -> None:
    from muniment.server.tenants.models import Workspace

    with suppress(KeyError), scope(ours):
        Workspace.objects.create(tenant_id=ours, name="never", region="local")
        raise KeyError
    with scope(ours):
        assert not Workspace.objects.filter(name="never").exists()


@attack
def a_connection_given_back_in_the_middle_takes_nothing_along(ours: UUID, theirs: UUID) -> None:
    from django.db import DatabaseError, InterfaceError, connection

    backend()
    for _ in range(20):
        with suppress(DatabaseError, InterfaceError), scope(theirs):
            assert seen() == {theirs}
            # The pool gets it with its transaction open, as from a thread that dies.
            connection.close()
        assert seen() == set()
        connection.close()


@attack
def a_generator_that_is_left_lying_does_not_keep_a_scope_open(ours: UUID, theirs: UUID) -> None:
    def rows() -> Any:
        with scope(theirs):
            yield seen()

    stream = rows()
    assert next(stream) == {theirs}
    stream.close()
    assert seen() == set()


@attack
def threads_that_share_the_pool_see_their_own_tenant(ours: UUID, theirs: UUID) -> None:
    from django.db import connection

    together, wrong, pids = threading.Barrier(8), list[object](), dict[int, set[UUID]]()
    lock = threading.Lock()

    def work(number: int) -> None:
        together.wait(30)
        try:
            for turn in range(25):
                tenant = (ours, theirs)[(number + turn) % 2]
                with suppress(KeyError), scope(tenant):
                    pid = backend()
                    if (found := seen()) != {tenant}:
                        wrong.append((number, turn, found))
                    if turn % 3 == 0:
                        raise KeyError
                if found := seen():
                    wrong.append((number, turn, "after", found))
                with lock:
                    pids.setdefault(pid, set()).add(tenant)
                connection.close()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, wrong
    assert any(tenants == {ours, theirs} for tenants in pids.values()), "no connection served both tenants"


@attack
def another_tenants_scope_does_not_open_inside(ours: UUID, theirs: UUID) -> None:
    from muniment.core.errors import Refused

    with scope(ours):
        with pytest.raises(Refused, match="in another tenant already"), scope(theirs):
            pass
        assert seen() == {ours}
        with scope(ours):
            assert seen() == {ours}
        assert seen() == {ours}


@attack
def a_transaction_in_no_tenant_is_in_none_again_after_a_scope(ours: UUID, theirs: UUID) -> None:
    from django.db import transaction

    with transaction.atomic():
        with scope(theirs):
            assert seen() == {theirs}
        assert seen() == set(), "the tenant stayed set until the transaction's end"
        with suppress(KeyError), scope(theirs):
            raise KeyError
        assert seen() == set()
        with scope(ours):
            with scope(ours):
                pass
            assert seen() == {ours}
        assert seen() == set()


@attack
def a_lookup_shows_one_row_and_ends_with_its_block(ours: UUID, theirs: UUID) -> None:
    from django.db import transaction

    from muniment.server.tenants.models import TenantHost
    from muniment.server.tenants.scope import lookup_scope

    def hosts() -> list[str]:
        return sorted(TenantHost.objects.values_list("host", flat=True))

    name = "looked-up.customers.example"
    for tenant, host in ((ours, "own.customers.example"), (theirs, name), (theirs, "hidden.customers.example")):
        with scope(tenant):
            TenantHost.objects.get_or_create(tenant_id=tenant, slug="x", host=host)
    with lookup_scope("muniment.lookup", name):
        assert hosts() == [name]
        assert seen() == set()
        assert TenantHost.objects.filter(host=name).update(slug="stolen") == 0
        assert TenantHost.objects.filter(host=name).delete()[0] == 0
    assert hosts() == []
    with transaction.atomic():
        with suppress(KeyError), lookup_scope("muniment.lookup", name):
            raise KeyError
        assert hosts() == []
        with lookup_scope("muniment.lookup", name):
            pass
        assert hosts() == []
    with scope(ours):
        with lookup_scope("muniment.lookup", name):
            assert hosts() == [name, "own.customers.example"]
        assert hosts() == ["own.customers.example"]


@attack
def a_person_is_looked_up_with_their_own_memberships_alone(ours: UUID, theirs: UUID) -> None:
    from muniment.server.members.models import Membership
    from muniment.server.tenants.scope import lookup_scope

    for tenant in (ours, theirs):
        with scope(tenant):
            for user in ("usr_both", f"usr_{tenant.hex[-8:]}"):
                Membership.objects.get_or_create(tenant_id=tenant, slug="x", user_id=user)
    with lookup_scope("muniment.user", "usr_both"):
        assert set(Membership.objects.values_list("user_id", "tenant_id")) == {("usr_both", ours), ("usr_both", theirs)}
    with lookup_scope("muniment.user", f"usr_{theirs.hex[-8:]}"):
        assert {row.tenant_id for row in Membership.objects.all()} == {theirs}


def _isolated() -> list[Any]:
    from django.apps import apps

    from muniment.server.tenants.isolation import TenantIsolation

    return [
        model
        for model in apps.get_models()
        if any(isinstance(constraint, TenantIsolation) for constraint in model._meta.constraints)
    ]


@attack
def every_tenant_model_is_empty_without_a_tenant(ours: UUID, theirs: UUID) -> None:
    models = _isolated()
    assert len(models) > 10
    for model in models:
        assert model._default_manager.count() == 0, model
        with scope(theirs):
            assert model._default_manager.count() > 0, f"{model} holds nothing, which proves nothing"
        with scope(ours):
            assert not model._default_manager.exclude(tenant_id=ours).exists(), model


@attack
def no_row_of_a_tenant_model_is_saved_into_another_tenant(ours: UUID, theirs: UUID) -> None:
    import psycopg
    from django.db import DatabaseError, transaction

    done = []
    for model in _isolated():
        with scope(theirs):
            row = model._default_manager.first()
        for how in ("insert", "update"):
            for tenant in (ours, None):
                try:
                    with scope(tenant) if tenant else transaction.atomic():
                        row.save(force_insert=how == "insert", force_update=how == "update")
                    done.append((model, how, tenant))
                except DatabaseError as error:
                    refused = isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
                    if not (refused or (how == "update" and "did not affect any rows" in str(error))):
                        done.append((model, how, tenant, str(error)))
    assert not done, done


@attack
def policies_are_those_of_the_models_and_forced(ours: UUID, theirs: UUID) -> None:
    from django.db import connection

    from muniment.server.tenants.isolation import TenantIsolation

    for model in _isolated():
        table = model._meta.db_table
        (constraint,) = (one for one in model._meta.constraints if isinstance(one, TenantIsolation))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) FROM pg_class "
                "WHERE oid = %s::regclass",
                [f"django.{table}"],
            )
            assert cursor.fetchone() == (True, True, "muniment_owner"), table
            cursor.execute("SELECT policyname, cmd FROM pg_policies WHERE tablename = %s", [table])
            assert set(cursor.fetchall()) == {
                (constraint.name, "ALL"),
                *((f"{constraint.name}_{column}", "SELECT") for column in constraint.lookups),
            }, table


@attack
def the_role_is_nobody_but_itself(ours: UUID, theirs: UUID) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, session_user, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, "
            "(SELECT count(*) FROM pg_auth_members WHERE member = r.oid), "
            "(SELECT count(*) FROM pg_class WHERE relowner = r.oid) FROM pg_roles r WHERE rolname = current_user"
        )
        assert cursor.fetchone() == ("muniment_app", "muniment_app", False, False, False, False, 0, 0)


def main() -> int:
    """Run every attack; always 0, what went wrong is in what is printed."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "muniment.server.settings"
    django.setup()
    ours, theirs = UUID(sys.argv[1]), UUID(sys.argv[2])
    told = {}
    for name, function in ATTACKS.items():
        try:
            function(ours, theirs)
            told[name] = ""
        except Exception:
            told[name] = traceback.format_exc()
    json.dump(told, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
