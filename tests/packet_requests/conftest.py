"""A tenant with a reviewed sample, and everybody who has a part in a packet: who asks, who decides, who hands over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from muniment.server.packets.workflow import Rules
from tests.server.events import complete, ulid
from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

TEXT = "What you read here you keep to yourself.\nSigned by whoever takes it."
RULES = {"due_hours": 24, "working_days": False, "zone": "UTC", "nda_required": True, "link_hours": 24}
PEOPLE = {"admin": "administrator", "asks": "auditor", "decides": "analyst"}


@dataclass
class Seat:
    """Somebody who is signed in."""

    slug: str
    person: Person
    client: httpx.Client

    def get(self, path: str, **parameters: Any) -> httpx.Response:
        return self.client.get(f"/t/{self.slug}{path}", params=parameters)

    def post(self, path: str, verb: str = "POST", **body: Any) -> httpx.Response:
        token = str(self.client.cookies.get("csrftoken", ""))
        headers = {"X-CSRFToken": token, "Referer": str(self.client.base_url)}
        return self.client.request(verb, f"/t/{self.slug}{path}", json=body, headers=headers)

    def done(self, path: str, **body: Any) -> Any:
        answer = self.post(path, **body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def submit(self, path: str, page: str, **fields: Any) -> httpx.Response:
        """Send a form of a page."""
        token = csrf_token(self.get(page))
        return self.client.post(
            f"/t/{self.slug}{path}",
            data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": f"{self.client.base_url}/t/{self.slug}{page}"},
        )


@dataclass
class Office:
    """The tenant, and the seats of its people."""

    installation: Installation
    tenant: Tenant
    seats: dict[str, Seat] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Seat:
        return self.seats[name]

    def entries(self, action: str) -> list[Any]:
        """Events of the log with an action, oldest first, with their labels as a mapping."""
        with self.tenant.client("read") as reading:
            found = reading.get("/api/entries", params={"order": "oldest", "action": action}).json()["entries"]
        events = [one["entry"]["event"] for one in found]
        return [{**event, "facts": dict(label.split("=", 1) for label in event.get("labels", []))} for event in events]

    def scope(self, **said: Any) -> Any:
        """A scope with a sample of three entries."""
        source = f"src_{ulid()}"
        with self.tenant.client() as append:
            for _ in range(5):
                answer = append.post("/api/events", json=complete(source, b"{}", controls=["soc2:CC6.1"]))
                assert answer.status_code == 201, answer.text
        self.installation.seal()
        decides = self["decides"]
        name = f"Calls {source}"
        population = decides.done("/api/populations", name=name, question={"control": "soc2:CC6.1"})
        sample = decides.done(f"/api/populations/{population['id']}/samples", method="random", count=3)
        order = {"name": f"First quarter {source}", "controls": ["soc2:CC6.1"], "samples": [sample["id"]], **said}
        return decides.done("/api/packet-scopes", **order)

    def attach(self, data: bytes) -> str:
        """A policy; its id."""
        decides = self["decides"]
        order = {"name": "policy.pdf", "kind": "policy", "size": len(data)}
        upload = decides.done("/api/attachments/uploads", **order)["id"]
        token = str(decides.client.cookies.get("csrftoken", ""))
        sent = decides.client.put(
            f"/t/{decides.slug}/api/attachments/uploads/{upload}?offset=0",
            content=data,
            headers={"X-CSRFToken": token, "Referer": str(decides.client.base_url)},
        )
        assert sent.status_code == 200, sent.text
        return str(decides.done(f"/api/attachments/uploads/{upload}/finish")["id"])

    def publish(self, text: str = TEXT) -> Any:
        return self["admin"].done("/api/ndas", text=text)

    def rules(self, **wanted: Any) -> None:
        before = self["admin"].get("/api/packet-rules").json()
        answer = self["admin"].post("/api/packet-rules", "PUT", **{**before, **wanted})
        assert answer.status_code == 200, answer.text

    def ask(self, scope: str, seat: str = "asks", **said: Any) -> Any:
        return self[seat].done("/api/packet-requests", scope=scope, purpose="audit of the first quarter", **said)

    def build(self, request: str) -> Any:
        """Build a packet, while somebody seals."""
        self.installation.seal()
        with self.sealing():
            return self["decides"].done(f"/api/packet-requests/{request}/build")

    @contextmanager
    def sealing(self) -> Iterator[None]:
        """As if the server's own sealer ran."""
        over = threading.Event()

        def seal() -> None:
            while not over.wait(0.2):
                self.installation.seal()

        thread = threading.Thread(target=seal)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def people(installation: Installation) -> Iterator[dict[str, tuple[Person, httpx.Client]]]:
    """Everybody, signed in once."""
    made = {name: make_person(installation, name=name.title()) for name in PEOPLE}
    clients = {name: (person, person.client()) for name, person in made.items()}
    for person, client in clients.values():
        person.sign_in(client)
    yield clients
    for _person, client in clients.values():
        client.close()


@pytest.fixture
def office(installation: Installation, tenant: Tenant, people: dict[str, tuple[Person, httpx.Client]]) -> Office:
    made = Office(installation, tenant)
    for name, role in PEOPLE.items():
        person, client = people[name]
        person.join(tenant.made.tenant_id, tenant.made.slug, role, until="2099-01-01" if role == "auditor" else None)
        made.seats[name] = Seat(tenant.made.slug, person, client)
    assert Rules().nda_required
    return made
