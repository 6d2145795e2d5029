"""What sources and people write is shown as text: markup, template language, attributes of scripts, in every field."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from tests.authorization.world import Seat
from tests.server.events import complete, ulid
from tests.support.people import make_person, submit
from tests.support.servers import Installation, Tenant

MARK = "zqx"
HOSTILE = (
    f"<img src={MARK} onerror=alert(1)>",
    f"\"'><script>{MARK}</script>",
    f"</title></script><{MARK}>",
    f'" hx-get="/{MARK}" x-data="{MARK}" autofocus onfocus="{MARK}',
    f"{{{{ request.user.password }}}}{{% load {MARK} %}}",
    f"<c-{MARK} />{{# {MARK} #}}",
)
PAGES = ("/ledger", "/ledger?view=all", "/", "/trail", "/sources", "/keys", "/members", "/roles", "/groups", "/sign-in")


class Elements(HTMLParser):
    """Names of elements and attributes, with the values of those that act."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []
        self.within = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within = tag
        self.acting.append(tag)
        for name, value in attrs:
            self.acting.append(name)
            if name.startswith(("on", "hx-", "x-", "@", ":")) or name in ("src", "action", "formaction", "style"):
                self.acting.append(str(value))
            if name == "href":
                assert not str(value).strip().lower().startswith(("javascript:", "data:", "vbscript:")), value

    def handle_data(self, data: str) -> None:
        if self.within in ("script", "style") and MARK in data:
            # Data for a script is JSON in which nothing can end the element.
            assert "<" not in data, data


def acting(html: str) -> str:
    read = Elements()
    read.feed(html)
    read.close()
    return " ".join(read.acting)


@pytest.fixture(scope="module")
def ours(installation: Installation) -> Tenant:
    return installation.tenant()


@pytest.fixture(scope="module")
def hostile(installation: Installation, ours: Tenant) -> Seat:
    """An administrator in a tenant where everything that can be named is named by an attacker."""
    person = make_person(installation, ours, "administrator", name=HOSTILE[0])
    for text in HOSTILE[1:]:
        make_person(installation, ours, "viewer", name=text)
    seat = Seat(person)
    seat.take()
    with ours.client() as append:
        for text in HOSTILE:
            event = complete(f"src_{ulid()}", f'{{"{MARK}": "{MARK}"}} {text}'.encode())
            event["event"] |= {"tool": text, "actor": {"id": f"agent:{text}", "type": "agent"}}
            event["event"] |= {"resource": {"id": text, "type": "tool"}, "labels": [f"note={text}"]}
            answer = append.post("/api/events", json=event)
            assert answer.status_code in (201, 422), answer.text
    with seat.client() as client:
        headers = {"X-CSRFToken": seat.csrf}
        base = f"/t/{ours.made.slug}/api"
        for number, text in enumerate(HOSTILE):
            view = {"name": text[:64], "query": "", "shared": True}
            role = {"code": f"r{number}", "name": text[:64], "description": text, "capabilities": ["ledger.read"]}
            sent = [("views", view), ("roles", role), ("groups", {"name": text[:64]})]
            sent += [("service-accounts", {"name": text[:64]}), ("keys", {"label": text[:64], "scope": "append"})]
            for path, body in sent:
                made = client.post(f"{base}/{path}", json=body, headers=headers)
                assert made.status_code in (200, 201), f"{path}: {made.text}"
    installation.seal()
    return seat


def test_no_text_of_anybody_becomes_an_element_an_attribute_or_a_template(ours: Tenant, hostile: Seat) -> None:
    shown = 0
    with hostile.client() as client:
        pages = [f"/t/{ours.made.slug}{path}" for path in PAGES]
        for path in list(pages):
            found = client.get(path)
            pages += sorted(
                {
                    link
                    for link in re.findall(r'href="([^"?#]+)"', found.text)
                    if re.search(r"/(ledger/\d+|(sources|keys|members|roles|groups)/[\w-]{8,})$", link)
                }
            )
        pages += [f"{path}/panel" for path in pages if re.search(r"/ledger/\d+$", path)]
        for path in dict.fromkeys(pages):
            answer = client.get(path)
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            assert MARK not in acting(answer.text), path
            assert hostile.person.password not in answer.text
            shown += answer.text.count(MARK)
    assert len(pages) > 25
    assert shown > 60


def test_what_was_typed_into_an_address_or_a_form_is_shown_as_text(ours: Tenant, hostile: Seat) -> None:
    with hostile.client() as client:
        for text in HOSTILE:
            for path in ("/ledger", "/members"):
                for names in (("q",), ("tool", "actor", "view", "columns"), ("label", "within", "cursor", "older")):
                    answer = client.get(f"/t/{ours.made.slug}{path}", params=dict.fromkeys(names, text))
                    assert answer.status_code < 500, f"{path} {names}"
                    assert MARK not in acting(answer.text), f"{path} {names} {text}"
    with hostile.person.client() as client:
        for text in HOSTILE:
            answer = submit(client, f"/t/{ours.made.slug}/account/login", {"email": text, "password": text})
            assert MARK not in acting(answer.text), text
