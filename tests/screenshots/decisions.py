"""Exceptions, risks and remediation of a tenant, made over the API by its people, so that pages show something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx

from tests.screenshots.site import Site
from tests.support.people import Person, make_person

PEOPLE = {
    "analyst": ("Małgorzata Brzęczyszczykiewicz-Kowalska", "analyst"),
    "colleague": ("נועה ברק", "analyst"),
    "first": ("Deniz Aydın", "approver"),
    "second": ("Ioana-Cristina Popescu-Tăriceanu", "approver"),
    "admin": ("Marta Lindqvist", "administrator"),
}
LONG = (
    "Legacy payment terminal controllers in the Gdańsk and Constanța warehouses cannot enforce a second factor, nor "
    "rotate the credentials of their service accounts, before they are replaced"
)
CARD = b"Refund for the card 4111 1111 1111 1111, exp 12/29, asked for by the customer.\n"
TORN = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
CLEAN = b"Firewall rules of the segment, exported on the day of the request: deny by default, 14 rules.\n"


def in_days(days: int) -> str:
    """A day from today on, in UTC."""
    day: date = datetime.now(UTC).date() + timedelta(days=days)
    return day.isoformat()


@dataclass
class Desk:
    """Somebody of the tenant who is signed in."""

    slug: str
    person: Person
    client: httpx.Client

    def does(self, path: str, verb: str = "POST", **body: Any) -> Any:
        """Ask an operation, which must be taken."""
        answer = self.client.request(verb, f"/t/{self.slug}{path}", json=body, headers=self._headers())
        assert answer.status_code in (200, 201), f"{path}: {answer.text}"
        return answer.json()

    def attach(self, data: bytes, name: str, *, kept: bool = True) -> str:
        """Attach a file; its id, or "" of one that is refused."""
        upload = self.does("/api/attachments/uploads", name=name, kind="policy", size=len(data))["id"]
        path = f"/t/{self.slug}/api/attachments/uploads/{upload}"
        sent = self.client.put(path, params={"offset": 0}, content=data, headers=self._headers())
        assert sent.status_code == 200, sent.text
        done = self.client.post(
            f"/t/{self.slug}/api/attachments/uploads/{upload}/finish", json={}, headers=self._headers()
        )
        assert (done.status_code == 201) == kept, done.text
        return str(done.json()["id"]) if kept else ""

    def _headers(self) -> dict[str, str]:
        token = str(self.client.cookies.get("csrftoken", ""))
        return {"X-CSRFToken": token, "Referer": str(self.client.base_url)}


@contextmanager
def desks(of: Site, slug: str) -> Iterator[dict[str, Desk]]:
    """The people of a tenant, signed in."""
    made, name = of.tenant(slug)
    with ExitStack() as stack:
        found = {}
        for key, (called, role) in PEOPLE.items():
            person = make_person(of, (made, name), role, name=called)
            found[key] = Desk(name, person, stack.enter_context(person.signed_in()))
        yield found


class Decided:
    """Makes what a tenant of some months has.

    Args:
        people: by their part, as `PEOPLE` names them.
    """

    def __init__(self, people: dict[str, Desk]) -> None:
        self._of = people
        self._asks, self._admin = people["analyst"], people["admin"]
        self._owner = self._asks.person.subject

    def everything(self) -> None:
        """Registers first, then decisions, then what follows from them."""
        self._registers()
        self._rules()
        self._exceptions()
        self._remediation()
        self._risks()
        self._admin.does("/api/reports", kind="board")
        self._admin.does("/api/reports", kind="executive")

    def _registers(self) -> None:
        text = "1. Who signs in gives two factors.\n2. Service accounts have no password that a person knows.\n" * 3
        said = {"owner": self._owner, "effective_on": in_days(0)}
        self.policy = self._asks.does("/api/policies", title="Access to systems and data", text=text, **said)["id"]
        self._asks.does(f"/api/policies/{self.policy}", "PATCH", text=text + "3. Nobody shares an account.\n")
        self.other = self._asks.does("/api/policies", title=LONG, link="https://intranet.example/p/7", **said)["id"]
        self.asset = self._asks.does(
            "/api/assets",
            name="Payment terminal controllers, warehouses of Gdańsk and Constanța",
            criticality="critical",
            kind="endpoint",
            owner=self._owner,
            description="Forty controllers of two vendors, in two networks.",
        )["id"]
        self.vpn = self._asks.does("/api/assets", name="VPN gateway", criticality="medium", owner=self._owner)["id"]
        self.evidence = self._asks.attach(CLEAN, "firewall-rules-of-the-terminal-segment-2026-second-quarter.txt")
        self._asks.attach(TORN, "scan-of-the-signed-waiver.pdf")
        self._asks.attach(CARD, "refund-mail.txt", kept=False)

    def _rules(self) -> None:
        before = self._admin.does("/api/approval-rules", "GET")["rules"]
        before["clauses"] = [
            {"risk_levels": ["high", "critical"], "levels": [{}, {}]},
            {"risk_levels": ["medium"], "frameworks": ["soc2"], "levels": [{"roles": ["approver"]}, {}]},
        ]
        self._admin.does(
            "/api/approval-rules", "PUT", rules=before, comment="Whatever touches the SOC 2 report is seen by two."
        )
        self._of["first"].does(
            "/api/delegations",
            **{"from": in_days(20), "until": in_days(27), "to": self._of["second"].person.user_id},
            comment="Summer",
        )

    def _draft(self, title: str, level: str = "low", **more: Any) -> str:
        said: dict[str, Any] = {
            "title": title,
            "policy": self.policy,
            "scope": "the controllers in both warehouses, and what they are reached through",
            "reason": "Their firmware knows passwords alone; the vendor ships the next one in autumn.",
            "risk_level": level,
            "residual_risk": "A stolen password is enough to take payments off line in one warehouse.",
            "compensating": "Reachable from the jump host alone, whose sessions are recorded and watched.",
            "compensating_controls": ["soc2:CC6.6"],
            "controls": ["soc2:CC6.1", "iso27001-2022:A.8.5"],
            "assets": [self.asset, self.vpn],
            "evidence": [self.evidence],
            "expires_on": in_days(120),
            "zone": "Europe/Warsaw",
        }
        return str(self._asks.does("/api/exceptions", **{**said, **more})["id"])

    def _decide(self, wanted: str, *people: str, outcome: str = "approve") -> None:
        for name in people:
            self._of[name].does(
                f"/api/exceptions/{wanted}/decide",
                outcome=outcome,
                comment="Read the firewall rules and the vendor's letter; the jump host is recorded, as is said here.",
            )

    def _submitted(self, title: str, level: str = "low", **more: Any) -> str:
        wanted = self._draft(title, level, **more)
        self._asks.does(f"/api/exceptions/{wanted}/submit")
        return wanted

    def _exceptions(self) -> None:
        both = ("first", "second")
        self._draft("Shared mailbox of the night shift without sensitivity labels")
        self._decide(self._submitted("Backups of the archive host are not restored in test"), "first", outcome="return")
        self._decide(self._submitted("Root on the build machines"), "first", outcome="reject")
        self.waiting = self._submitted(LONG, "critical")
        self._decide(self.waiting, "first")
        self._submitted("No endpoint detection on the laboratory's measuring computers", "high")
        gone = self._submitted("Old cipher suites at the partners' interface", controls=[])
        self._asks.does(f"/api/exceptions/{gone}/withdraw", comment="The partner moved earlier than planned.")
        later = self._submitted("Vendor access over the holidays", starts_on=in_days(14), controls=[])
        self._decide(later, "first")
        soon = self._submitted("Password length on the door controllers", "medium", expires_on=in_days(12))
        self._decide(soon, *both)
        self.chain = self._submitted(LONG, "high", expires_on=in_days(25))
        self._decide(self.chain, *both)
        for days in (100, 180):
            self.chain = self._asks.does(f"/api/exceptions/{self.chain}/renew", expires_on=in_days(days))["id"]
            self._asks.does(f"/api/exceptions/{self.chain}/submit")
            self._decide(self.chain, *both)
        ended = self._submitted("Modem line of the lift", controls=[])
        self._decide(ended, "first")
        self._of["second"].does(f"/api/exceptions/{ended}/revoke", comment="The line was cut; nothing is left of it.")
        mention = f"Is the letter of the vendor still the newest, @{self._of['colleague'].person.user_id}?"
        self._asks.does("/api/comments", kind="exception", subject=self.chain, text=mention)
        # What the decisions above rest on changes, and they are stale.
        self._asks.does(f"/api/assets/{self.vpn}", "PATCH", criticality="high")

    def _remediation(self) -> None:
        began = datetime.now(UTC) - timedelta(hours=30)
        self.incident = self._asks.does(
            "/api/incidents",
            title="Terminals in Constanța refused cards for forty minutes after a failed roll-out",
            started_at=began.isoformat(),
            detected_at=(began + timedelta(minutes=12)).isoformat(),
            severity="high",
            owner=self._owner,
            text="A certificate was replaced on one of two gateways.",
        )["id"]
        self._asks.does(f"/api/incidents/{self.incident}/steps", step="evidence", entries=[3, 4, 5], comment="These.")
        self._asks.does(f"/api/incidents/{self.incident}/steps", step="contain", comment="Back to the old one.")
        self.finding = self._asks.does(
            "/api/findings",
            title="Service accounts of the controllers have had one password since they were installed",
            severity="critical",
            source="incident",
            incident=self.incident,
            asset=self.asset,
            controls=["soc2:CC6.1"],
            owner=self._owner,
            due_on=in_days(3),
            text="Found while the roll-out was looked into.",
        )["id"]
        accepted = self._asks.does("/api/findings", title="Door controllers take short passwords", asset=self.vpn)["id"]
        self._asks.does(
            f"/api/findings/{accepted}/steps", step="accept", exception=self.chain, comment="Until they are replaced."
        )
        for title, due, often in (
            ("Look at the accesses of the controllers", 0, "quarterly"),
            ("Rotate the password of every service account, beginning with those reachable over the VPN", 9, "none"),
            ("Restore one backup", 40, "monthly"),
        ):
            self.task = self._asks.does(
                "/api/tasks",
                title=title,
                owner=self._owner,
                due_on=in_days(due),
                controls=["soc2:CC6.1"],
                recurrence=often,
                finding=self.finding,
            )["id"]
        self._asks.does(
            f"/api/tasks/{self.task}/steps", step="finish", comment="Restored and read.", evidence=[self.evidence]
        )

    def _risks(self) -> None:
        def at(likelihood: int, impact: int) -> dict[str, int]:
            return {"likelihood": likelihood, "impact": impact}

        self.risk = self._asks.does(
            "/api/risks",
            title="Ransomware reaches the warehouses over a partner's connection",
            owner=self._owner,
            review_on=in_days(30),
            inherent=at(4, 5),
            current=at(3, 5),
            residual=at(2, 4),
            description="Partners keep their routers themselves.",
            plan="Segments, and a jump host for each partner.",
            exceptions=[self.chain],
            controls=["soc2:CC6.6"],
            assets=[self.asset],
            findings=[self.finding],
        )["id"]
        low = self._asks.does(
            "/api/risks",
            title="The goods-in printer is stolen",
            owner=self._owner,
            review_on=in_days(90),
            current=at(2, 1),
            treatment="accept",
        )["id"]
        for risk, decides in ((low, True), (self.risk, False)):
            proposed = self._asks.does(
                f"/api/risks/{risk}/acceptances", reason="Cheaper than what would be done.", until=in_days(200)
            )
            if decides:
                self._admin.does(f"/api/risk-acceptances/{proposed['id']}/accept", comment="Seen, and agreed.")
        self._admin.does("/api/risk-snapshots")
