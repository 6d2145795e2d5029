"""A source id belongs to the key that used it first, until someone moves it in sight of all."""

import pytest

from muniment.core.entry import parse_entry
from muniment.core.event import Source
from muniment.ledger.apikeys import revoke_api_key
from muniment.ledger.append import append_system
from muniment.ledger.receipt import Recorded, Refusal
from muniment.ledger.refused import KeyRefused
from muniment.ledger.sources import bind_source
from muniment.ledger.submission import Submission
from tests.ledger.append_world import CONTROLS, MAPPING, SOURCE, Ledger, event, source_id


@pytest.fixture
def second(ledger: Ledger) -> str:
    with ledger.app() as app:
        return ledger.new_key(app).key_id


def test_another_keys_source_is_refused_and_the_rest_of_the_batch_is_not(ledger: Ledger, second: str):
    ledger.append(Submission(event()))
    mine = Source(source_id())
    outcomes = ledger.append(
        Submission(event(source=mine)), Submission(event()), Submission(event(source=mine)), key=second
    )
    assert [type(outcome) for outcome in outcomes] == [Recorded, Refusal, Recorded]
    assert isinstance(outcomes[1], Refusal)
    assert outcomes[1].field == "source.id"
    assert "bound to another API key" in outcomes[1].reason


def test_a_refused_event_binds_no_source(ledger: Ledger, second: str):
    unheard = Source(source_id())
    ledger.append(Submission(event(id="evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ", source=unheard)))
    assert isinstance(ledger.append(Submission(event(source=unheard)), key=second)[0], Recorded)


def test_rebinding_is_an_entry_and_moves_the_source(ledger: Ledger, second: str):
    ledger.append(Submission(event()))
    with ledger.app() as app:
        seq = bind_source(app, by="system:muniment", log_id=ledger.log, source_id=SOURCE, key_id=second)
        again = bind_source(app, by="system:muniment", log_id=ledger.log, source_id=SOURCE, key_id=second)
    assert (seq, again) == (ledger.size() - 1, None)
    told = parse_entry(ledger.texts()[-1]).event
    assert told.action == "source.bind"
    assert told.resource is not None
    assert (told.resource.type, told.resource.id) == ("source", SOURCE)
    assert told.labels == (f"key={second}", f"was={ledger.key.key_id}")
    assert isinstance(ledger.append(Submission(event()), key=second)[0], Recorded)
    assert isinstance(ledger.append(Submission(event()))[0], Refusal)


def test_a_source_moves_to_active_append_keys_of_its_log_alone(ledger: Ledger, second: str):
    ledger.append(Submission(event()))
    other = Ledger(ledger.database, "other")
    with ledger.app() as app:
        reader = ledger.new_key(app, "read").key_id
        revoke_api_key(app, by="system:muniment", log_id=ledger.log, key_id=second)
    for key in (second, reader, other.key.key_id):
        with ledger.app() as app, pytest.raises(KeyRefused), app.transaction():
            bind_source(app, by="system:muniment", log_id=ledger.log, source_id=SOURCE, key_id=key)


def test_the_servers_own_source_is_no_keys(ledger: Ledger, second: str):
    own = parse_entry(ledger.texts()[0]).event.source
    assert isinstance(ledger.append(Submission(event(source=own)))[0], Refusal)
    with ledger.app() as app, pytest.raises(KeyRefused), app.transaction():
        bind_source(app, by="system:muniment", log_id=ledger.log, source_id=own.id, key_id=second)


def test_the_server_cannot_submit_for_a_keys_source(ledger: Ledger):
    ledger.append(Submission(event()))
    with ledger.app() as app:
        [outcome] = append_system(
            app,
            by="system:x",
            log_id=ledger.log,
            submissions=[Submission(event())],
            controls=[CONTROLS],
            mapping=MAPPING,
        )
    assert isinstance(outcome, Refusal)
    assert outcome.field == "source.id"


def test_two_logs_may_know_the_same_source_id(ledger: Ledger):
    other = Ledger(ledger.database, "other")
    for one in (ledger, other):
        assert isinstance(one.append(Submission(event()))[0], Recorded)
