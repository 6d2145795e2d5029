"""A server with the gallery and the page shells alone, under the product's content security policy.

Run as a program: it prints its address on one line and serves until it is stopped.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ERRORS = ("400", "403", "404", "405", "413", "429", "500", "503", "csrf")


@dataclass(frozen=True)
class Tenant:
    slug: str
    name: str
    sample: bool
    tenant_id: str = "00000000-0000-0000-0000-000000000001"


@dataclass(frozen=True)
class Standing:
    capabilities: frozenset[str]
    subject: str = "usr_01JD0000000000000000000001"


@dataclass(frozen=True)
class User:
    is_authenticated: bool = True

    def __str__(self) -> str:
        return "ada@example.org"


class Everything(frozenset[str]):
    """Every capability, whatever its code is."""

    def __contains__(self, code: object) -> bool:
        return True


def as_someone(get_response):
    """Gives each request what the product's own middleware gives: `?as=nobody` nothing, `?can=a,b` two capabilities."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.GET.get("as") != "nobody":
            name = "شركة الأمانة" if request.GET.get("tenant") == "rtl" else "Northwind Trust"
            request.tenant = Tenant("northwind", name, "sample" in request.GET)
            can = request.GET.get("can")
            request.standing = Standing(Everything() if can is None else frozenset(can.split(",")))
            request.user = User()
        response = get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response

    return answer


def shell(request: HttpRequest, name: str) -> HttpResponse:
    if name not in ("account_sample", "plain_sample"):
        return render(request, f"errors/{name}.html", status=200)
    return render(request, f"{name}.html")


def nothing(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=204)


def wrong(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=int(request.GET["status"]))


settings.configure(
    DEBUG=False,
    SECRET_KEY="only-for-the-gallery-of-the-tests",
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django_cotton", "django_htmx", "muniment.server.web"],
    MIDDLEWARE=[
        "django.middleware.csrf.CsrfViewMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
        f"{__name__}.as_someone",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "muniment.server.web.context.page",
                ]
            },
        }
    ],
    COTTON_ISOLATE_BY_DEFAULT=True,
    EVALUATION="--evaluation" in sys.argv,
    USE_TZ=True,
    USE_I18N=False,
)
django.setup()

from muniment.server.web.assets import static_file  # noqa: E402 - needs the settings above
from muniment.server.web.gallery import gallery  # noqa: E402

# The audit trail is missing, so that a page that is not installed can be seen to have no link.
ROUTES = (
    "overview:home",
    "explorer:ledger",
    "verify:home",
    "sources:list",
    "keys:list",
    "members:list",
    "roles:list",
    "groups:list",
    "sso:list",
    "tenants:settings",
    "account:security",
    "account:sessions",
    "tenants:choose",
)


def _namespaces() -> list[object]:
    spaces: dict[str, list[object]] = {}
    for route in ROUTES:
        space, name = route.split(":")
        address = "" if route == "explorer:ledger" else f"{space}/{name}"
        spaces.setdefault(space, []).append(path(address, gallery if not address else nothing, name=name))
    return [path("", include((patterns, space))) for space, patterns in spaces.items()]


urlpatterns = [
    path("static/<path:path>", static_file),
    path("shell/<str:name>", shell),
    path("logout", nothing, name="account_logout"),
    path("wrong", wrong),
    path("sorted", gallery),
    *_namespaces(),
]


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Threads(ThreadingMixIn, WSGIServer):
    """A browser opens connections before it needs them; one that waits must not hold up the others."""

    daemon_threads = True


if __name__ == "__main__":
    with make_server("127.0.0.1", 0, get_wsgi_application(), Threads, Quiet) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
