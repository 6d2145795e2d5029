"""Anchors as people and programs see them: on pages, in the API, in public and in the log, whole and failing."""

import hashlib
import html
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from muniment.anchors.asking import Word
from muniment.anchors.authorities import Authority, load_authorities
from muniment.keys import KeyRing
from muniment.ledger.audit_walks import walk_log
from muniment.ledger.tenants import all_logs
from muniment.server.anchoring import anchor
from muniment.server.anchors.workflow import MEANINGS
from muniment.verifier.anchors import TimestampTrust
from muniment.verifier.pins import Pins
from tests.members.conftest import Acting, nobody_has_to_wait, signed_in
from tests.support.servers import Installation, Tenant
from tests.support.tsa import Served, Tsa, answering, serving

__all__ = ["nobody_has_to_wait", "signed_in"]
SignedIn = Callable[..., Acting]
OTHER = hashlib.sha256(b"something else").digest()


@pytest.fixture
def configured(installation: Installation, served: Served, tsa: Tsa) -> Iterator[Path]:
    """The installation's file of authorities, with the one of the tests."""
    file = installation.places.home / "anchors.toml"
    file.write_text(
        f'every = "6h"\n[[authority]]\nname = "here"\nurl = "{served.url.replace("//", "//me:secret@")}"\n'
        f'pinned = "{tsa.root_file}"\n'
    )
    yield file
    file.unlink(missing_ok=True)


def record(tenant: Tenant) -> int:
    """Something to anchor: the place of a sealed entry."""
    event = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:first"}, "outcome": "success"}
    with tenant.client() as client:
        seq: int = client.post("/api/events", json={"event": event}).json()["seq"]
    tenant.installation.seal()
    return seq


def stamp(tenant: Tenant, authority: Authority) -> None:
    """What the background process does for a log that is due."""
    with tenant.installation.database.connect("app", autocommit=True) as connection:
        log = next(one for one in all_logs(connection) if one.log_id == tenant.made.log_id)
        anchor(connection, log, authority)


def walk(tenant: Tenant, tsa: Tsa) -> None:
    root = KeyRing(tenant.installation.places.keys).root_verifier()
    pins = Pins(root=root, timestamps=TimestampTrust((tsa.root,), int(time.time())))
    with tenant.in_database() as connection:
        walk_log(connection, tenant.made.tenant_id, tenant.made.log_id, pins=pins)


def text(acting: Acting, path: str) -> str:
    """A page's words."""
    answer = acting.page(path)
    assert answer.status_code == 200, answer.text
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def seal_of(acting: Acting, seq: int) -> str:
    found = re.search(r'class="seal[^"]* seal-(\w+)', acting.page(f"ledger/{seq}").text)
    assert found
    return found[1]


def test_an_anchored_entry_says_so_and_its_token_is_checked_with_openssl_alone(
    tenant: Tenant, signed_in: SignedIn, configured: Path, tsa: Tsa, tmp_path: Path
) -> None:
    viewer = signed_in(tenant, "viewer")
    assert "No checkpoint of this log was stamped yet" in text(viewer, "anchors")
    seq = record(tenant)
    assert seal_of(viewer, seq) == "sealed"
    assert "nobody outside says when this entry existed" in text(viewer, f"ledger/{seq}")
    stamp(tenant, load_authorities(configured).all[0])
    assert seal_of(viewer, seq) == "anchored"
    entry = text(viewer, f"ledger/{seq}")
    assert re.search(r"Existed no later than .{0,90}says here over size \d+; verifies without renewal until", entry)
    shown = viewer.did("GET", "anchors")
    newest = shown["authorities"][0]["newest"]
    assert shown["last_anchor_at"] == newest["at"]
    assert (shown["every"], shown["chosen"], shown["authorities"][0]["state"]) == ("6h", False, "works")
    assert newest["until"] == "2030-03-17T17:46:40.000000Z"
    assert "2030-03-17" in text(viewer, "anchors")
    with tenant.client("read") as client:
        public = client.get(f"/api/audit/verify/{tenant.made.slug}").json()
        token = client.get(f"/api/anchors/tokens/{newest['size']}/here").content
        note = client.get(f"/api/anchors/notes/{newest['size']}").content
    assert public["last_anchor_at"] == newest["at"]
    assert hashlib.sha256(token).hexdigest() == newest["sha256"]
    page = f"anchors/{newest['size']}/here"
    assert "It holds under what this installation pins" in text(viewer, page)
    # Exactly the files and the command that the page gives, with the root got from elsewhere.
    for link in (f"{page}/token", f"anchors/notes/{newest['size']}"):
        answer = viewer.page(link)
        named = re.search(r'filename="([^"]+)"', answer.headers["content-disposition"])
        assert named
        (tmp_path / named[1]).write_bytes(answer.content)
    assert {file.read_bytes() for file in tmp_path.iterdir()} == {token, note}
    (tmp_path / "here-root.pem").write_bytes(tsa.root_file.read_bytes())
    command = re.search(r"openssl ts -verify [\w. /-]+-root\.pem", text(viewer, page))
    assert command
    assert command[0] in text(viewer, f"ledger/{seq}")
    done = subprocess.run(shlex.split(command[0]), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "Verification: OK"), done.stderr
    (tmp_path / f"muniment-{newest['size']}.note").write_bytes(note.replace(b"muniment", b"Muniment"))
    assert subprocess.run(shlex.split(command[0]), cwd=tmp_path, capture_output=True, check=False).returncode == 1
    # What came after the token is only sealed.
    assert seal_of(viewer, record(tenant)) == "sealed"
    # The operator's password for the authority is nobody else's to read.
    assert "secret" not in viewer.page("anchors").text + str(viewer.did("GET", "anchors"))


BAD: dict[Word, Callable[[Tsa], Any]] = {
    "wrong-nonce": lambda tsa: answering(tsa, nonce=42),
    "wrong-hash": lambda tsa: answering(tsa, imprint=OTHER),
    "garbage": lambda _: lambda _query: b"no timestamp",
}


def failing(tenant: Tenant, acting: Acting, word: Word, *, public: bool = False) -> None:
    """It is said on the page, in the API, on the overview, in the log; in public too (kept for 2 s)."""
    means = MEANINGS[word]
    (one,) = acting.did("GET", "anchors")["authorities"]
    assert (one["state"], one["failing"]["word"], one["failing"]["meaning"]) == ("failing", word, means)
    assert one["failing"]["retry_at"] == one["next_at"]
    assert f"here gives no timestamp {word} : {means}." in text(acting, "anchors")
    assert f"{word} : {means}." in text(acting, "")
    with tenant.client("read") as client:
        entries = client.get("/api/entries", params={"action": "anchor.refuse"}).json()["entries"]
        if public:
            said = client.get(f"/api/audit/verify/{tenant.made.slug}").json()
            assert [(row["authority"], row["word"]) for row in said["anchors"]["failing"]] == [("here", word)]
            assert said["last_anchor_at"] is None
    assert f"anchor.word={word}" in entries[0]["entry"]["event"]["labels"]


@pytest.mark.parametrize("word", BAD)
def test_a_bad_answer_is_refused_and_said_everywhere(
    word: Word, tenant: Tenant, signed_in: SignedIn, configured: Path, served: Served, tsa: Tsa
) -> None:
    admin = signed_in(tenant)
    record(tenant)
    served.answer = BAD[word](tsa)
    stamp(tenant, load_authorities(configured).all[0])
    failing(tenant, admin, word, public=True)
    assert admin.did("GET", "anchors/tokens") == {"tokens": [], "cursor": None}
    served.answer = tsa.reply
    stamp(tenant, load_authorities(configured).all[0])
    assert admin.did("GET", "anchors")["authorities"][0]["state"] == "works"
    assert word not in text(admin, "anchors")


def test_expired_unpinned_and_silent_authorities_are_said_everywhere_too(
    tenant: Tenant, signed_in: SignedIn, configured: Path, served: Served, tmp_path: Path
) -> None:
    admin = signed_in(tenant)
    record(tenant)
    (known,) = load_authorities(configured).all
    expired = Tsa(tmp_path / "expired", ends=time.time() - 60)
    with serving(expired) as late:
        stamp(tenant, Authority("here", late.url, (expired.root,)))
    failing(tenant, admin, "expired-certificate")
    stamp(tenant, Authority("here", served.url, (expired.signer,)))
    failing(tenant, admin, "unknown-authority")
    served.status = 503
    stamp(tenant, known)
    failing(tenant, admin, "unreachable")
    with tenant.client("read") as client:
        said = client.get("/api/entries", params={"action": "anchor.refuse"}).json()["entries"]
    assert len(said) == 3
    assert "secret" not in str(said)


def test_the_cadence_is_the_tenants_own_and_its_change_is_an_entry(
    installation: Installation, tenant: Tenant, signed_in: SignedIn, configured: Path
) -> None:
    admin = signed_in(tenant)
    assert admin.did("PUT", "anchors/cadence", {"every": "90m"})["every_seconds"] == 5400
    answer = admin.send("anchors/every", {"every": "2h"}, from_="anchors")
    assert "Saved, and recorded as entry" in answer.text
    assert "It was so before" in admin.send("anchors/every", {"every": "2h"}, from_="anchors").text
    assert (admin.did("GET", "anchors")["every"], admin.did("GET", "anchors")["chosen"]) == ("2h", True)
    trail = admin.did("GET", "trail")["trail"]
    changed = [row for row in trail if row["action"] == "tenant.change" and "anchor" in row["what"]]
    assert [(row["what"].rpartition(": ")[2], row["actor"]) for row in changed] == [
        ("every 7200 s", admin.person.subject),
        ("every 5400 s", admin.person.subject),
    ]
    for every in ("sometimes", "0m", "30s", "366d", "1e3s", "-1h", "٣h", " "):
        refused = admin.ask("PUT", "anchors/cadence", {"every": every})
        assert (refused.status_code, refused.json()["field"]) == (422, "every"), refused.text
        assert admin.send("anchors/every", {"every": every}, from_="anchors").status_code == 422
    elsewhere = signed_in(installation.tenant())
    assert (elsewhere.did("GET", "anchors")["every"], elsewhere.did("GET", "anchors")["chosen"]) == ("6h", False)
    viewer = signed_in(tenant, "viewer")
    assert viewer.ask("PUT", "anchors/cadence", {"every": "1h"}).status_code == 403
    assert "How often" not in text(viewer, "anchors")


def test_a_token_that_was_altered_is_called_so_and_no_entry_is_anchored_by_it(
    tenant: Tenant, signed_in: SignedIn, configured: Path, tsa: Tsa
) -> None:
    viewer = signed_in(tenant, "viewer")
    seq = record(tenant)
    stamp(tenant, load_authorities(configured).all[0])
    walk(tenant, tsa)
    assert seal_of(viewer, seq) == "anchored"
    size = viewer.did("GET", "anchors/tokens")["tokens"][0]["size"]
    with tenant.in_database() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE ledger.anchors SET token = set_byte(token, 900, get_byte(token, 900) # 1) WHERE log_id = %s",
            [tenant.made.log_id],
        )
    assert "This token does not hold" in text(viewer, f"anchors/{size}/here")
    walk(tenant, tsa)
    assert seal_of(viewer, seq) == "sealed"


def test_another_tenants_tokens_are_not_there(
    installation: Installation, tenant: Tenant, signed_in: SignedIn, configured: Path
) -> None:
    record(tenant)
    stamp(tenant, load_authorities(configured).all[0])
    owner = signed_in(tenant, "viewer")
    size = owner.did("GET", "anchors/tokens", status=200)["tokens"][0]["size"]
    stranger = signed_in(installation.tenant())
    for path in (f"anchors/tokens/{size}/here", f"anchors/notes/{size}"):
        assert owner.ask("GET", path).status_code == 200
        assert stranger.ask("GET", path).status_code == 404
    assert stranger.page(f"anchors/{size}/here").status_code == 404
    assert stranger.did("GET", "anchors/tokens") == {"tokens": [], "cursor": None}
    for path in ("anchors/99999999999999999999/here", "anchors/0/here", f"anchors/{size}/%00", "anchors/notes/7777777"):
        assert owner.page(path).status_code == 404
    for cursor in ("x", "1", "²5.here", "99999999999999999.here"):
        refused = owner.ask("GET", f"anchors/tokens?cursor={cursor}")
        assert (refused.status_code, refused.json()["field"]) == (422, "cursor")


def test_a_file_of_authorities_that_cannot_be_read_is_said(
    tenant: Tenant, signed_in: SignedIn, configured: Path
) -> None:
    viewer = signed_in(tenant, "viewer")
    configured.write_text("every = ")
    assert viewer.did("GET", "anchors")["usable"] is False
    assert "The installation's list of authorities cannot be read" in text(viewer, "anchors")
    configured.unlink()
    assert "No authority is configured" in text(viewer, "anchors")


def test_every_word_of_a_failure_has_its_meaning() -> None:
    assert set(MEANINGS) == set(get_args(Word))
