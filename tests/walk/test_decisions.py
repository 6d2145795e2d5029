"""One decision as its people live it: from a spreadsheet to a chain of three, the board's report, and offline proof."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from click.testing import CliRunner
from playwright.sync_api import Browser, Page, expect

from muniment.cli.main import muniment
from muniment.core.entry import entry_hash, parse_entry
from muniment.keys import KeyRing
from muniment.reports.extraction import read_document
from tests.exceptions.conftest import Office, in_days
from tests.packet.conftest import files_of, rezipped, unpacked
from tests.packet.test_registers import bundled, rows_of
from tests.packet_requests.conftest import Office as PacketOffice
from tests.packet_requests.conftest import Seat
from tests.support.browser import PHONE, Visitor, visiting
from tests.support.pdfs import pdf
from tests.walk.conftest import Seats, at, old_factor

ZONE = "Europe/Warsaw"
POLICIES = "code,title,owner,effective_on,text\nACC-1,Access policy,{owner},{today},Who signs in gives two factors.\n"
ASSETS = "code,name,owner,criticality\nVPN-1,VPN gateway of the plant,{owner},high\n"
FILES = {
    "clean.pdf": pdf("Firmware 4.2 of the gateway has no second factor."),
    "held.pdf": pdf("Refund to DE89 3704 0044 0532 0130 00, please."),
    "card.pdf": pdf("The card on file is 4111 1111 1111 1111."),
}
TITLE = "No second factor on the old VPN"
ALTERED = "data/exception-steps.csv"
Sit = Callable[..., Visitor]


def test_a_decision_is_made_by_four_people_renewed_twice_and_proven_without_the_server(
    office: Office, seats: Seats, sit: Sit, browser: Browser, tmp_path: Path
) -> None:
    files = brought_in(seats["analyst"])
    first = drafted_and_decided(office, seats, sit, files)
    chain = [first, *renewed(seats, first, 160, 320)]
    time_goes_by(office, seats, chain)
    risk = in_the_register(sit, office, chain)
    accepted(seats, risk)
    reported(office, seats["auditor"], chain, tmp_path)
    packet = handed_over(office, seats, tmp_path)
    shown = every_step_is_in_it(seats["auditor"], chain, packet)
    altered = shown[ALTERED].replace(b"Bounded", b"bounded", 1)
    assert altered != shown[ALTERED]
    forged = rezipped({**shown, ALTERED: altered}, tmp_path / "forged.zip")
    root = KeyRing(office.installation.places.keys).root_verifier().vkey
    by_the_package(packet, forged, root)
    by_the_single_file(packet, forged, root, tmp_path)
    by_the_page(browser, packet, forged, root, tmp_path)


def brought_in(analyst: Seat) -> dict[str, str]:
    """Registers from CSV, files as evidence: the ids of those that were taken."""
    said = {"owner": analyst.person.email, "today": in_days(0)}
    for noun, text, wrong in (("policies", POLICIES, "owner"), ("assets", ASSETS, "criticality")):
        broken = text.format(**{**said, "owner": "nobody@example.org"}).replace(",high", ",huge")
        refused = sent(analyst, f"/api/tables/{noun}/import", broken.encode())
        assert refused.status_code == 422
        assert wrong in refused.json()["detail"]
        assert sent(analyst, f"/api/tables/{noun}/import", text.format(**said).encode()).json()["added"] == 1
    found = {}
    for name, data in FILES.items():
        order = {"name": name, "kind": "other", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        upload = analyst.done("/api/attachments/uploads", **order)["id"]
        sent(analyst, f"/api/attachments/uploads/{upload}?offset=0", data, "PUT")
        kept = analyst.post(f"/api/attachments/uploads/{upload}/finish")
        if name == "card.pdf":
            assert (kept.status_code, kept.json()["field"]) == (422, "file")
            assert "4111" not in kept.text
        else:
            assert kept.status_code == 201, kept.text
            found[name] = str(kept.json()["id"])
    return found


def drafted_and_decided(office: Office, seats: Seats, sit: Sit, files: dict[str, str]) -> str:
    """In four windows: drafted, refused for its evidence, submitted, returned, changed, approved by two."""
    windows = [sit(name) for name in ("analyst", "first", "second")]
    windows[0].expect("status of 422")
    desk, one, two = (window.page for window in windows)
    base = f"{seats['analyst'].person.base}/t/{office.tenant.made.slug}"
    desk.goto(f"{base}/exceptions/new")
    for name, text in (
        ("title", TITLE), ("scope", "The gateway of the plant."), ("reason", "Its firmware cannot."),
        ("controls", "iso27001:A.8.5"), ("residual_risk", "A stolen password opens it."), ("zone", ZONE),
        ("compensating", "Only from the plant's own addresses."), ("expires_on", str(in_days(25))),
    ):  # fmt: skip
        desk.locator(f"#id_{name}").fill(text)
    desk.locator("#id_policy").select_option(label="ACC-1  Access policy")
    desk.locator("#id_risk_level").select_option("high")
    desk.get_by_label("VPN gateway of the plant").check()
    desk.get_by_label("clean.pdf").check()
    keep = desk.get_by_role("button", name="Keep")
    keep.click()
    # An id that is none is answered with what is near it.
    expect(desk.get_by_role("alert")).to_contain_text("iso27001-2022")
    desk.locator("#id_controls").fill("soc2:CC6.1 iso27001-2022:A.8.5")
    keep.click()
    desk.wait_for_url("**/exceptions/exc_*")
    row = desk.url.rsplit("/", 1)[1]
    held = seats["analyst"].post(f"/api/exceptions/{row}", "PATCH", evidence=list(files.values()))
    held = seats["analyst"].post(f"/api/exceptions/{row}/submit") if held.status_code == 200 else held
    assert (held.status_code, held.json()["field"]) == (422, "evidence")
    seats["analyst"].post(f"/api/exceptions/{row}", "PATCH", evidence=[files["clean.pdf"]])
    desk.reload()
    desk.get_by_role("button", name="Submit").click()
    expect(desk.locator("main")).to_contain_text("0 of 2 approvals given")

    one.goto(f"{base}/work")
    one.get_by_role("link", name=TITLE).click()
    # What was written outlasts the second factor, which is asked for anew after a long read.
    old_factor(seats["first"], office.installation)
    decide(one, "return", "Say until when.")
    one.get_by_label("Code").fill(fresh_code(seats["first"]))
    one.get_by_role("button", name="Go on").click()
    # A fresh second factor gives the session another key, which the window alone was told.
    seats["first"].person.sign_in(seats["first"].client)
    expect(one.locator("form[action$='/decide'] textarea")).to_have_value("Say until when.")
    expect(one.locator("#toasts")).to_contain_text("Nothing was sent yet")
    one.locator("button[value=return]").click()
    expect(one.locator("h1")).to_be_visible()
    expect(one.locator("main")).to_contain_text("Returned")

    desk.goto(f"{base}/notifications")
    desk.get_by_role("link", name=TITLE).first.click()
    desk.get_by_role("link", name="Change", exact=True).click()
    desk.locator("#id_reason").fill("Its firmware cannot before the spring.")
    desk.get_by_role("button", name="Keep").click()
    desk.get_by_role("button", name="Submit").click()
    expect(desk.locator("main")).to_contain_text("0 of 2 approvals given")
    where = f"/api/exceptions/{row}/decide"
    said = {"outcome": "approve", "comment": "mine"}
    assert desk.locator("form[action$='/decide']").count() == 0
    assert seats["analyst"].post(where, **said).status_code == 403

    one.goto(f"{base}/exceptions/{row}")
    decide(one, "approve", "Bounded, and looked at daily.")
    expect(one.locator("main")).to_contain_text("1 of 2 approvals given")
    assert one.locator("form[action$='/decide']").count() == 0
    assert seats["first"].post(where, **said).json()["field"] == "approver"
    two.goto(f"{base}/exceptions/{row}")
    decide(two, "approve", "Agreed.")
    expect(two.locator("main h1 + *, main")).to_contain_text(["Expiring soon"])
    assert seats["second"].get(f"/api/exceptions/{row}").json()["state"] == "active"
    return row


def decide(page: Page, outcome: str, comment: str) -> None:
    page.locator("form[action$='/decide'] textarea").fill(comment)
    page.locator(f"form[action$='/decide'] button[value={outcome}]").click()


def fresh_code(seat: Seat) -> str:
    seat.person.forget_used_codes()
    return seat.person.code()


def renewed(seats: Seats, first: str, *until: int) -> list[str]:
    """Each the renewal of the one before, approved by two."""
    made, before = [], first
    for days in until:
        row = seats["analyst"].done(f"/api/exceptions/{before}/renew", expires_on=str(in_days(days)))["id"]
        seats["analyst"].done(f"/api/exceptions/{row}/submit")
        for name in ("first", "second"):
            seats[name].done(f"/api/exceptions/{row}/decide", outcome="approve", comment=f"once more, says {name}")
        made.append(str(row))
        before = row
    return made


def time_goes_by(office: Office, seats: Seats, chain: list[str]) -> None:
    """The first ends, the second begins, each once; the owner was told of it before."""
    analyst = seats["analyst"]
    begins = datetime.fromisoformat(analyst.get(f"/api/exceptions/{chain[1]}").json()["starts_at"])
    assert begins == datetime.combine(in_days(26), time(), ZoneInfo(ZONE))
    activated, expired, reminded = at(office, begins - timedelta(days=3))
    assert (activated, expired) == (0, 0)
    assert reminded
    assert at(office, begins + timedelta(hours=1))[:2] == (1, 1)
    assert at(office, begins + timedelta(days=7))[:2] == (0, 0)
    states = [analyst.get(f"/api/exceptions/{one}").json()["state"] for one in chain]
    assert states == ["expired", "active", "approved"]
    told = analyst.get("/api/notifications", limit=50).json()["notifications"]
    assert {"exception.decided", "exception.expiring", "exception.expired"} <= {one["event"] for one in told}


def in_the_register(sit: Sit, office: Office, chain: list[str]) -> str:
    """On a phone from the heatmap to the one risk of the chain, and from there to the exception and its chain."""
    page = sit("auditor", size=PHONE).page
    page.goto(f"{office.people['auditor'].base}/t/{office.tenant.made.slug}/risks/heatmap")
    page.locator("main table a", has_text="1").click()
    page.get_by_role("link", name=TITLE).click()
    page.wait_for_url("**/risks/rsk_*")
    risk = page.url.rsplit("/", 1)[1]
    page.get_by_role("tab", name="Links").click()
    page.locator(f"a[href$='/exceptions/{chain[0]}']").first.click()
    shown = page.locator("section[aria-labelledby=chain] tbody tr")
    expect(shown).to_contain_text(["Expired", "Active", "Approved"])
    return risk


def accepted(seats: Seats, risk: str) -> None:
    where = f"/api/risks/{risk}/acceptances"
    proposed = seats["analyst"].done(where, reason="Small until the spring.", until=str(in_days(90)))
    decide = f"/api/risk-acceptances/{proposed['id']}/accept"
    assert seats["analyst"].post(decide, comment="mine").status_code == 403
    assert seats["first"].done(decide, comment="We can bear it.")["state"] == "accepted"


def reported(office: Office, auditor: Seat, chain: list[str], folder: Path) -> None:
    """The board's report shows the chain by its entries, and is the same when it is asked again."""
    office.installation.seal()
    environment = {
        "MUNIMENT_URL": office.installation.url,
        "MUNIMENT_READ_KEY": office.tenant.made.tokens["read"],
        "NO_PROXY": "*",
    }
    for kind in ("board", "executive"):
        made = auditor.done("/api/reports", kind=kind)
        path = folder / f"{kind}.pdf"
        path.write_bytes(auditor.get(f"/api/reports/{made['id']}/pdf").content)
    numbers = {one.what: one.value for one in read_document((folder / "board.pdf").read_bytes()).numbers}
    assert (numbers["exceptions active"], numbers["risks not closed"]) == (1, 1)
    used = {what.partition(":")[0] for what in numbers if what.endswith(": controls evidenced")}
    assert used == {"soc2", "iso27001-2022"}
    assert numbers[f"{chain[1]}: state"] == "active"
    command = ["verify", str(folder / "board.pdf"), "--no-known-logs"]
    assert CliRunner().invoke(muniment, command, env=environment).output.startswith("VERIFIED")


def handed_over(office: Office, seats: Seats, folder: Path) -> Path:
    """The auditor asks, somebody else agrees and builds, the auditor signs and takes it."""
    auditor, analyst = seats["auditor"], seats["analyst"]
    text = seats["admin"].done("/api/ndas", text="What you read here you keep to yourself.")
    scope = auditor.done("/api/packet-scopes", name="Exceptions of the year", controls=["soc2:CC6.1"])
    asked = auditor.done("/api/packet-requests", scope=scope["id"], purpose="audit of the year")
    where = f"/api/packet-requests/{asked['id']}"
    assert auditor.post(f"{where}/approve").status_code == 403
    analyst.done(f"{where}/approve")
    office.installation.seal()
    with PacketOffice(office.installation, office.tenant).sealing():
        analyst.done(f"{where}/build")
    auditor.done(f"{where}/sign", name="Tom Okafor", sha256=text["sha256"])
    taken = auditor.post(f"{where}/deliver")
    assert taken.status_code == 200, taken.text
    path = folder / "packet.zip"
    path.write_bytes(taken.content)
    return path


def every_step_is_in_it(auditor: Seat, chain: list[str], packet: Path) -> dict[str, bytes]:
    """Each step of each exception has its row, and the entry behind it stands in the bundle; so has each decision."""
    files = files_of(packet)
    entries, rows = bundled(files["evidence.bundle"]), rows_of(files, "exception-steps")
    expected = [
        (one, step["kind"], step["target"], step["entry"])
        for one in chain
        for step in auditor.get(f"/api/exceptions/{one}/steps").json()["steps"]
    ]
    assert [(row["Exception"], row["Step"], row["To"], int(row["Entry"])) for row in rows] == expected
    assert [kind for one, kind, _, _ in expected if one == chain[0]] == [
        "create", "submit", "return", "submit", "approve", "approve", "activate", "expire",
    ]  # fmt: skip
    for row in rows:
        text = entries[int(row["Entry"])]
        event = parse_entry(text).event
        assert entry_hash(text).hex() == row["Entry hash"]
        assert event.resource is not None
        assert (event.action, event.resource.id) == (f"exception.{row['Step']}", row["Exception"])
        assert not row["Digest"] or f"digest={row['Digest']}" in event.labels
    decisions = rows_of(files, "exception-decisions")
    assert [row["Exception"] for row in decisions] == [chain[0]] * 3 + [chain[1]] * 2 + [chain[2]] * 2
    for row in decisions:
        text = b"muniment/exception-decision/1\0" + row["Decided"].encode()
        assert hashlib.sha256(text).hexdigest() == row["Digest"]
    states = {row["Exception"]: row["State"] for row in rows_of(files, "exceptions")}
    assert states == dict(zip(chain, ("expired", "active", "approved"), strict=True))
    (acceptance,) = {row["Acceptance"] for row in rows_of(files, "risk-acceptances")}
    assert acceptance.startswith("rac_")
    return files


def by_the_package(packet: Path, forged: Path, root: str) -> None:
    for path, code in ((packet, 0), (forged, 1)):
        said = CliRunner().invoke(muniment, ["verify", str(path), "--root", root, "--no-known-logs"])
        assert said.exit_code == code, said.output
    assert ALTERED in said.output


def by_the_single_file(packet: Path, forged: Path, root: str, folder: Path) -> None:
    """The script out of the packet itself, in the unpacked folder, without a package of ours."""
    for name, path, code in (("sound", packet, 0), ("forged", forged, 1)):
        at = unpacked(files_of(path).items(), folder / name)
        command = [sys.executable, "-I", "verifiers/muniment_verify.py", ".", "--root", root]
        said = subprocess.run(command, cwd=at, capture_output=True, text=True, check=False, timeout=60)
        assert said.returncode == code, said.stdout + said.stderr
    assert ALTERED in said.stdout


def by_the_page(browser: Browser, packet: Path, forged: Path, root: str, folder: Path) -> None:
    """The page out of the packet itself, opened from the disk, without a network."""
    with visiting(browser, offline=True) as visitor:
        page = visitor.page
        page.goto((folder / "sound/verifiers/muniment_verify.html").as_uri())
        page.fill("#pin", json.dumps({"root": root}))
        page.set_input_files("#file", packet)
        expect(page.locator("#verdict-title")).to_have_text("Verified, held against what you pinned", timeout=30_000)
        page.set_input_files("#file", forged)
        expect(page.locator("#verdict-title")).to_have_text("Failed: not verified", timeout=30_000)
        expect(page.locator(".packet .faults tbody tr")).to_contain_text(ALTERED)


def sent(seat: Seat, path: str, data: bytes, verb: str = "POST") -> httpx.Response:
    """Send bytes to the API."""
    headers = {"X-CSRFToken": str(seat.client.cookies.get("csrftoken", "")), "Referer": str(seat.client.base_url)}
    return seat.client.request(verb, f"/t/{seat.slug}{path}", content=data, headers=headers)
