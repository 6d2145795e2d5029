"""Protection is not for sale and not for switching: only a tenant's own policy bears on it, and that only tightens."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import muniment.server
from muniment.server import settings as server_settings

SERVER = Path(muniment.server.__file__).parent
# Words by which products put a price on safety or leave a way around it.
SELLING = re.compile(
    r"(?<![a-z])(?:entitle\w*|licen[cs]e_key|subscription|feature_flag\w*|is_enterprise|enterprise_\w+|premium|paid_plan|"
    r"plan_(?:id|name|code)|pricing|upgrade_to)(?![a-z])",
    re.IGNORECASE,
)
ENVIRONMENT = re.compile(r"\bMUNIMENT_[A-Z][A-Z_]*\b")
EVADING = re.compile(
    r"MFA|TOTP|PASSKEY|SSO|SAML|RBAC|ROLE|STEP|CSRF|CSP|RLS|RATE|LOCKOUT|NO_|SKIP|DISABLE|INSECURE|BYPASS|TRUST(?!ED_PROXIES)"
)
GUARDING = ("access", "accounts", "members", "sso", "tenants")


def sources(*packages: str) -> Iterator[Path]:
    for path in sorted(SERVER.rglob("*.py")):
        if not packages or path.relative_to(SERVER).parts[0] in packages:
            yield path


def test_there_are_no_plans_and_no_entitlements() -> None:
    found = [
        f"{path.relative_to(SERVER)}: {match[0]}"
        for path in [*sources(), *sorted(SERVER.rglob("*.html"))]
        for match in SELLING.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_every_variable_that_the_server_reads_is_documented_and_none_is_a_way_around() -> None:
    read = {name for path in sources() for name in ENVIRONMENT.findall(path.read_text(encoding="utf-8"))}
    documents = Path(__file__).parents[2] / "docs"
    told = {name for path in documents.glob("*.md") for name in ENVIRONMENT.findall(path.read_text(encoding="utf-8"))}
    told |= set(ENVIRONMENT.findall(server_settings.__doc__ or ""))
    assert {name for name in read if EVADING.search(name)} == set()
    internal = {"MUNIMENT_LOCK_DESCRIPTOR", "MUNIMENT_SOCKET_DESCRIPTOR"}
    assert read - told - internal - {name for name in read if name.endswith("_")} == set()


@pytest.mark.parametrize("package", GUARDING)
def test_what_guards_does_not_read_the_environment(package: str) -> None:
    found = []
    for path in sources(package):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                found.append(f"{path.relative_to(SERVER)}:{node.lineno}")
    assert not found


def test_what_is_on_for_everybody_is_on() -> None:
    assert server_settings.DEBUG is False
    middleware = server_settings.MIDDLEWARE
    for name in (
        "muniment.server.web.headers.PageHeaders",
        "muniment.server.tenants.middleware.TenantMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "muniment.server.accounts.middleware.SessionLimits",
        "muniment.server.accounts.middleware.RequireSecondFactor",
        "muniment.server.sso.gate.SsoOnly",
    ):
        assert name in middleware, name
    assert server_settings.SESSION_COOKIE_HTTPONLY
    assert server_settings.PASSWORD_HASHERS == ["django.contrib.auth.hashers.Argon2PasswordHasher"]
