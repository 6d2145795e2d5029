"""A session that gets another key while somebody ends it: one of the two comes first, and it is over either way."""

from collections.abc import Callable

import pytest

from tests.support.people import Person

# A session of the person, as a request has it, and what is left of the person's sessions.
SCENE = """
import threading, time
from importlib import import_module
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import HttpRequest
from muniment.server.accounts import sessions
from muniment.server.accounts.models import User

user = User.objects.get(pk={user!r})
Store = import_module(settings.SESSION_ENGINE).SessionStore
request = HttpRequest()
request.session = Store()
request.session["kept"] = "by whoever holds the key"
request.session.save()
first = request.session.session_key
row = UserSession.objects.create(user=user, session_key=first, ip="127.0.0.1", user_agent="a browser")

def alive():
    keys = [key for key in (first, request.session.session_key) if key]
    return Session.objects.filter(session_key__in=keys).count(), UserSession.objects.filter(user_id=user.pk).count()
"""

ENDED_FIRST = """
with transaction.atomic():
    assert end() == 1
went_on = sessions.rotate(request)
print(went_on, *alive(), dict(request.session.items()))
"""

ENDED_SECOND = """
ended = []
def run():
    try:
        with transaction.atomic():
            ended.append(end())
    finally:
        connection.close()
other = threading.Thread(target=run)
with transaction.atomic():
    went_on = sessions.rotate(request)
    other.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    deadline, waiting = time.monotonic() + 30, 0
    while not waiting and time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(waits)
            waiting = cursor.fetchone()[0]
    assert waiting, "nobody waits for the row"
other.join(30)
print(went_on, request.session.session_key != first, *ended, *alive())
"""

ENDS = {
    "all of a person's": "end = lambda: sessions.end_all(user)",
    "all but another": "end = lambda: sessions.end_but(user, 'x' * 32)",
    "this one": "end = lambda: sessions._end(UserSession.objects.filter(user_id=user.pk, pk=row.pk))",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=[name.replace(" ", "-") for name in ENDS])
def test_a_session_that_was_ended_gets_no_other_key(ada: Person, in_server: Callable[..., str], end: str) -> None:
    assert in_server(SCENE.format(user=ada.user_id) + end + ENDED_FIRST) == "False 0 0 {}"


@pytest.mark.parametrize("end", ENDS.values(), ids=[name.replace(" ", "-") for name in ENDS])
def test_who_ends_a_session_that_is_getting_another_key_ends_it(
    ada: Person, in_server: Callable[..., str], end: str
) -> None:
    assert in_server(SCENE.format(user=ada.user_id) + end + ENDED_SECOND) == "True True 1 0 0"
