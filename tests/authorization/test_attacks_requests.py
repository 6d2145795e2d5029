"""Requests that no browser sends: two tenants at once, foreign hosts, NUL, sizes. None gets through, none is a 500."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.authorization.world import SESSION_COOKIE, Seat
from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

PAGE_HEADERS = ("content-security-policy", "x-frame-options", "referrer-policy", "cache-control")


@pytest.fixture(scope="module")
def ours(installation: Installation) -> Tenant:
    return installation.tenant()


@pytest.fixture(scope="module")
def theirs(installation: Installation) -> Tenant:
    return installation.tenant()


@pytest.fixture(scope="module")
def administrator(ours: Tenant) -> Seat:
    seat = Seat(make_person(ours.installation, ours, "administrator"))
    seat.take()
    return seat


@pytest.fixture(scope="module")
def viewer(ours: Tenant) -> Seat:
    seat = Seat(make_person(ours.installation, ours, "viewer"))
    seat.take()
    return seat


def base_of(installation: Installation) -> str:
    return f"http://localhost:{urlsplit(installation.url).port}"


def ask(installation: Installation, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(verify=False, base_url=base_of(installation), trust_env=False, timeout=30) as client:
        return client.request(method, path, headers=sent)


def recorded(tenant: Tenant, action: str, by: str) -> list[str]:
    """The texts of the tenant's entries with an action and an actor."""
    with tenant.in_database() as raw:
        rows = raw.execute(
            "SELECT entry FROM ledger.entries WHERE log_id = %s ORDER BY seq",
            [tenant.made.log_id],
        ).fetchall()
    return [text for (text,) in rows if f'"action":"{action}"' in text and by in text]


def installation_refusals(installation: Installation, by: str) -> list[str]:
    with installation.database.connect("superuser", autocommit=True) as raw:
        rows = raw.execute(
            "SELECT e.entry FROM ledger.entries e JOIN ledger.tenants t USING (tenant_id) "
            "WHERE t.slug = 'installation' ORDER BY e.seq"
        ).fetchall()
    return [text for (text,) in rows if '"action":"access.refuse"' in text and by in text]


@pytest.mark.parametrize(
    "path", ["/", "/account/login", "/no/such/page", "/t/{slug}/ledger", "/t/{slug}/account/login"]
)
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "[::2]:80", "-.-"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_is_not_answered_under_a_foreign_host(ours: Tenant, path: str, host: str, method: str) -> None:
    answer = ask(ours.installation, path.format(slug=ours.made.slug), method, Host=host)
    assert answer.status_code == 400
    assert host not in answer.text
    assert all(name in answer.headers for name in PAGE_HEADERS), answer.headers


def test_a_forwarded_host_is_not_believed(ours: Tenant) -> None:
    answer = ask(
        ours.installation,
        f"/t/{ours.made.slug}/ledger",
        X_Forwarded_Host="evil.example",
        X_Forwarded_Proto="https",
        Forwarded="host=evil.example",
    )
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"/t/{ours.made.slug}/account/login")


def test_a_request_that_names_two_tenants_finds_nothing(ours: Tenant, theirs: Tenant, administrator: Seat) -> None:
    port = urlsplit(ours.installation.url).port
    foreign = f"{theirs.made.slug}.localhost:{port}"
    own = f"{ours.made.slug}.localhost:{port}"
    with administrator.client() as client:
        cookies = f"{SESSION_COOKIE}={client.cookies[SESSION_COOKIE]}"
    for path, headers in (
        (f"/t/{ours.made.slug}/ledger", {"Host": foreign}),
        (f"/t/{ours.made.slug}/api/log", {"Host": foreign}),
        ("/api/log", {"Host": foreign, "X-Tenant": ours.made.slug}),
        ("/api/log", {"Host": own, "X-Tenant": theirs.made.slug}),
        (f"/t/{ours.made.slug}/t/{theirs.made.slug}/ledger", {}),
        (f"/t/{theirs.made.slug}/t/{ours.made.slug}/api/log", {}),
    ):
        answer = ask(ours.installation, path, **headers, Cookie=cookies)
        assert answer.status_code == 404, f"{path} {headers}: {answer.status_code}"
    for path, headers in (
        ("/api/log", {"Host": own, "X-Tenant": ours.made.slug}),
        (f"/t/{ours.made.slug}/api/log", {"Host": own}),
        (f"/t/{ours.made.slug}/api/log", {}),
        ("/api/log", {"X-Tenant": ours.made.slug}),
    ):
        answer = ask(ours.installation, path, **headers, Cookie=cookies)
        assert answer.status_code == 200, f"{path} {headers}: {answer.status_code} {answer.text}"
        assert answer.json()["origin"] == ours.origin


def test_what_the_operator_says_is_said_of_the_tenant_in_the_path(ours: Tenant, theirs: Tenant) -> None:
    answer = ask(ours.installation, f"/t/{ours.made.slug}/api/audit/verify", X_Tenant=theirs.made.slug)
    assert answer.json()["log"] == ours.origin


@pytest.mark.parametrize(
    "path",
    [
        "/T/{slug}/ledger",
        "/t/{SLUG}/ledger",
        "//t/{slug}/ledger",
        "/t//{slug}/ledger",
        "/t/{slug}//ledger",
        "/t/{slug}./ledger",
    ],
)
def test_a_tenant_has_one_spelling(ours: Tenant, administrator: Seat, path: str) -> None:
    with administrator.client() as client:
        answer = client.get(path.format(slug=ours.made.slug, SLUG=ours.made.slug.upper()))
    assert answer.status_code == 404


def test_pages_have_the_headers_of_pages_and_operations_those_of_operations(ours: Tenant, administrator: Seat) -> None:
    slug = ours.made.slug
    with administrator.client() as client:
        for path in (f"/t/{slug}/ledger", f"/t/{slug}/t/x/api/log", f"/t/{slug}/no", "/no", f"/t/{slug}/ledger/9999"):
            policy = client.get(path).headers["content-security-policy"]
            assert "script-src 'self'" in policy, path
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path
        for path in (
            f"/t/{slug}/api/log",
            f"/t/{slug}/api/no",
            "/api/log",
            "/healthz",
            "/logs/x/checkpoint",
            "/t/UP/api/x",
        ):
            answer = client.get(path)
            assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'", path
            assert "json" in answer.headers["content-type"], path
            assert answer.headers["cache-control"] == "no-store", path


def test_a_tenant_that_is_not_there_and_one_that_is_not_mine_look_the_same(
    ours: Tenant, theirs: Tenant, administrator: Seat
) -> None:
    with theirs.in_database() as raw:
        raw.execute("UPDATE ledger.tenants SET name = 'Unheard Of' WHERE tenant_id = %s", [theirs.made.tenant_id])

    def shown(answer: httpx.Response) -> tuple[int, str]:
        text = answer.text
        if "csrf-token" in text:
            text = text.replace(text.split('name="csrf-token" content="')[1].split('"')[0], "")
        return answer.status_code, text

    with administrator.client() as client:
        for path in ("/ledger", "/api/log", "/api/entries/1", "/members"):
            not_mine = shown(client.get(f"/t/{theirs.made.slug}{path}"))
            not_there = shown(client.get(f"/t/nosuch0000000{path}"))
            assert not_mine == not_there, path
            assert not_mine[0] == 404
            assert "Unheard Of" not in not_mine[1]
        mine = client.get(f"/t/{ours.made.slug}/api/entries/999999")
        assert shown(mine) == shown(client.get(f"/t/{theirs.made.slug}/api/entries/999999"))
    assert any(
        "not-a-member" in text for text in installation_refusals(ours.installation, administrator.person.user_id)
    )


def test_a_key_that_knocks_elsewhere_is_recorded(ours: Tenant, theirs: Tenant) -> None:
    key_id, token = ours.new_key("read")
    answer = ask(ours.installation, f"/t/{theirs.made.slug}/api/log", Authorization=f"Bearer {token}")
    assert answer.status_code == 404
    assert theirs.origin not in answer.text
    assert len(installation_refusals(ours.installation, key_id)) == 1


def test_a_key_that_was_revoked_or_made_up_leaves_a_trace(ours: Tenant) -> None:
    key_id, token = ours.new_key("read")
    with ours.in_database() as raw:
        raw.execute("UPDATE ledger.api_keys SET revoked_at = now() WHERE key_id = %s", [key_id])
    assert ask(ours.installation, "/api/log", Authorization=f"Bearer {token}").status_code == 401
    (found,) = [text for text in installation_refusals(ours.installation, "system:visitor") if key_id in text]
    assert "unknown-or-revoked-key" in found
    assert token.split("_", 2)[2] not in found


def test_who_is_kept_out_by_single_sign_on_does_not_fill_the_ledger_by_asking(installation: Installation) -> None:
    tenant = installation.tenant()
    person = make_person(installation, tenant, "viewer")
    with tenant.in_database() as raw:
        raw.execute(
            "INSERT INTO django.sso_policy (tenant_id, enforced, changed_at) VALUES (%s, true, now())",
            [tenant.made.tenant_id],
        )
    home = installation.tenant()
    person.join(home.made.tenant_id, home.made.slug, "viewer")
    with person.signed_in() as client:
        for _ in range(30):
            assert client.get(f"/t/{tenant.made.slug}/ledger").status_code == 403
    assert 0 < len(recorded(tenant, "user.login", person.user_id)) < 15


@pytest.mark.parametrize(
    "cookie", [r'"\000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"', r'"\377\000"', "a" * 40_000, "../../etc/passwd", "''"]
)
@pytest.mark.parametrize("path", ["/account/login", "/t/{slug}/ledger", "/t/{slug}/api/log"])
def test_a_session_cookie_that_names_no_session_is_nobody(ours: Tenant, cookie: str, path: str) -> None:
    answer = ask(
        ours.installation, path.format(slug=ours.made.slug), Cookie=f"{SESSION_COOKIE}={cookie}; theme={cookie}"
    )
    assert answer.status_code in (200, 302, 401)


@pytest.mark.parametrize(
    "text", ["%00", "a%00b", "%ED%A0%80", "%FF%FE", "%E2%80%AE", "%0D%0AX-Evil:1", "%E2%82%AC" * 900, "x" * 9_000]
)
@pytest.mark.parametrize(
    "path",
    [
        "/ledger/{}",
        "/roles/{}",
        "/groups/{}",
        "/members?q={}",
        "/ledger?actor={}&cursor={}",
        "/account/login?next={}",
        "/api/views/{}",
        "/api/entries/{}/{}",
        "/api/entries?actor={}",
        "/logs/{}/checkpoint",
        "/static/{}",
    ],
)
def test_text_that_no_field_can_hold_is_the_callers_fault(
    ours: Tenant, administrator: Seat, viewer: Seat, path: str, text: str
) -> None:
    for seat in (administrator, viewer):
        with seat.client() as client:
            answer = client.get(f"/t/{ours.made.slug}{path.replace('{}', text)}")
            assert answer.status_code < 500, answer.text
            assert "x-evil" not in answer.headers


def test_a_refusal_is_recorded_under_an_address_that_the_ledger_can_hold(ours: Tenant, viewer: Seat) -> None:
    with viewer.client() as client:
        assert client.get(f"/t/{ours.made.slug}/roles/new").status_code == 403
        before = len(recorded(ours, "access.refuse", viewer.person.user_id))
        for odd in ("%0A%1B", "%E2%82%AC" * 900):
            assert client.delete(f"/t/{ours.made.slug}/api/roles/{odd}").status_code == 403
    found = recorded(ours, "access.refuse", viewer.person.user_id)[before:]
    assert "/api/roles/%0A%1B" in found[0]
    assert "/api/roles/%E2%82%AC" in found[1]


@pytest.mark.parametrize(
    "path", ["/account/login", "/t/{slug}/account/login", "/no/such/page", "/t/{slug}/api/bundles"]
)
def test_a_body_over_the_limit_is_refused_and_never_kept(ours: Tenant, path: str) -> None:
    refused = (413, 404) if "/no/" in path else (413,)
    with httpx.Client(verify=False, base_url=base_of(ours.installation), trust_env=False, timeout=60) as client:
        answer = client.post(path.format(slug=ours.made.slug), content=b"a=" + b"x" * (3 << 20))
        assert answer.status_code in refused, answer.text

        def endless() -> object:
            for _ in range(40):
                yield b"x" * (1 << 16)

        answer = client.post(path.format(slug=ours.made.slug), content=endless())
        assert answer.status_code in refused, answer.text


def test_a_declared_giant_is_refused_before_it_is_sent(ours: Tenant) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(ours.installation.url).port or 0), 20) as line:
        line.sendall(
            b"POST /account/login HTTP/1.1\r\nHost: localhost\r\n"
            b"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n"
        )
        assert line.recv(1000).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("kind", ["fields", "files", "broken multipart", "broken charset"])
def test_a_form_of_too_many_or_broken_parts_is_refused(ours: Tenant, kind: str) -> None:
    sent: dict[str, tuple[bytes, str]] = {
        "fields": (b"&".join(b"f%d=1" % number for number in range(2_000)), "application/x-www-form-urlencoded"),
        "files": (
            b"".join(
                b'--b\r\nContent-Disposition: form-data; name="f%d"; filename="f"\r\n\r\nx\r\n' % number
                for number in range(500)
            )
            + b"--b--\r\n",
            "multipart/form-data; boundary=b",
        ),
        "broken multipart": (
            b"--b\r\nnothing",
            "multipart/form-data; boundary=\xff".encode("latin-1").decode("latin-1"),
        ),
        "broken charset": (b"email=\xff", "application/x-www-form-urlencoded; charset=utf-7"),
    }
    content, content_type = sent[kind]
    with httpx.Client(verify=False, base_url=base_of(ours.installation), trust_env=False, timeout=30) as client:
        token = csrf_token(client.get("/account/login"))
        answer = client.post(
            "/account/login",
            content=content,
            headers=[(b"Content-Type", content_type.encode("latin-1")), (b"X-CSRFToken", token.encode())],
        )
    assert 400 <= answer.status_code < 500, answer.text


def test_an_oversized_form_of_a_member_is_recorded(installation: Installation, ours: Tenant) -> None:
    person = make_person(installation, ours, "viewer")
    with person.signed_in() as client:
        assert client.post("/account/theme", content=b"x" * (2 << 20)).status_code == 413
    found = installation_refusals(installation, person.user_id)
    assert len(found) == 1
    assert "body-too-large" in found[0]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_a_method_that_is_not_answered_changes_nothing(ours: Tenant, administrator: Seat, method: str) -> None:
    with administrator.client() as client:
        answer = client.request(method, f"/t/{ours.made.slug}/ledger")
        assert answer.status_code == 405
        overridden = client.get(
            f"/t/{ours.made.slug}/account/logout",
            headers={"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"},
            params={"_method": "POST"},
        )
        assert overridden.status_code < 400
        assert client.get(f"/t/{ours.made.slug}/ledger").status_code == 200


def test_head_of_a_page_is_its_get_without_the_body(ours: Tenant, administrator: Seat) -> None:
    with administrator.client() as client:
        answer = client.head(f"/t/{ours.made.slug}/ledger")
    assert answer.status_code == 200
    assert answer.content == b""
    assert "content-security-policy" in answer.headers


def test_what_an_auditor_asks_by_head_is_recorded_as_well(installation: Installation, ours: Tenant) -> None:
    auditor: Person = make_person(installation, ours, "auditor", until="2099-01-01")
    with auditor.signed_in() as client:
        for path in ("/ledger", "/api/log", "/api/entries?limit=1"):
            before = len(recorded(ours, "record.read", auditor.user_id))
            assert client.head(f"/t/{ours.made.slug}{path}").status_code == 200
            assert len(recorded(ours, "record.read", auditor.user_id)) == before + 1, path
