"""Settings of the server, read once from the environment that `muniment up` (or an operator's unit file) gives it.

| Variable | What |
|---|---|
| `MUNIMENT_APP_URL` | database URL of the role `muniment_app`; without it, the one that the installation's home names |
| `MUNIMENT_INGEST_URL` | database URL of the role `muniment_ingest`; likewise |
| `MUNIMENT_AUDITOR_URL` | of the role `muniment_auditor`, likewise |
| `MUNIMENT_MIGRATOR_URL` | of the role `muniment_migrator`, given to the process that migrates and to no other |
| `MUNIMENT_SECRET_KEY` | the secret behind sessions and links; without it, the one in the keys directory (`web.key`) |
| `MUNIMENT_PUBLIC_URL` | where people reach the server, such as `https://muniment.example`: cookies become Secure |
| `MUNIMENT_TENANT_DOMAINS` | domains whose subdomains are tenants, separated by commas; default `localhost` |
| `MUNIMENT_EVALUATION` | `1`: evaluation mode, which every page shows |
| `MUNIMENT_PRIVATE_PROVIDERS` | `1`: identity providers may stand at private addresses and speak http |
| `MUNIMENT_BREACH_URL` | a service that knows leaked passwords; without it only common ones are known |
| `MUNIMENT_SMTP_URL` | `smtp://user:password@host:port`, `smtps://…`, `smtp+starttls://…`; without it, `<home>/mail` |
| `MUNIMENT_MAIL_FROM` | sender of messages; default `muniment@localhost` |
| `MUNIMENT_HOSTS` | host names that are answered, separated by commas; default: loopback names and `*.localhost` |
| `MUNIMENT_MAX_REQUEST` | largest request body in bytes, packed or unpacked; default 16 MiB, at most 50 MiB |
| `MUNIMENT_CLAMD` | an antivirus of this machine, `unix:/path` or `tcp://127.0.0.1:3310`; without it none is asked |
| `MUNIMENT_TRUSTED_PROXIES` | how many proxies in front may be believed about the client's address; default 0 |
"""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from muniment.server.runtime import Places
from muniment.server.websecret import web_secret

MIB: Final = 1 << 20


def _database(url: str) -> dict[str, object]:
    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", ""),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **parts,
            "application_name": "muniment web",
            "options": "-c search_path=django -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s",
            # Each request has a thread of its own, so connections are kept in a pool and not by thread.
            "pool": {"min_size": 0, "max_size": 8, "timeout": 5.0},
        },
    }


def _names(variable: str, default: str) -> list[str]:
    return [name.strip().lower() for name in os.environ.get(variable, default).split(",") if name.strip()]


PLACES: Final = Places.of()
DATABASES = {"default": _database(os.environ["MUNIMENT_APP_URL"])} if "MUNIMENT_APP_URL" in os.environ else {}

SECRET_KEY = os.environ.get("MUNIMENT_SECRET_KEY") or web_secret(PLACES.keys)
DEBUG = False
EVALUATION: Final = os.environ.get("MUNIMENT_EVALUATION") == "1"
PRIVATE_PROVIDERS: Final = os.environ.get("MUNIMENT_PRIVATE_PROVIDERS") == "1"
BREACH_URL: Final = os.environ.get("MUNIMENT_BREACH_URL", "")
CLAMD: Final = os.environ.get("MUNIMENT_CLAMD", "")
PUBLIC_URL: Final = os.environ.get("MUNIMENT_PUBLIC_URL", "").rstrip("/")
ALLOWED_HOSTS = _names("MUNIMENT_HOSTS", "localhost,127.0.0.1,[::1],.localhost")
TENANT_BASE_DOMAINS: Final = _names("MUNIMENT_TENANT_DOMAINS", "localhost")
PLAIN_HOSTS = frozenset(host for host in ALLOWED_HOSTS if not host.startswith("."))
if PUBLIC_URL and (_public := urlsplit(PUBLIC_URL).hostname):
    ALLOWED_HOSTS.append(_public)
    PLAIN_HOSTS |= {_public}

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django_cotton",
    "django_htmx",
    "ninja",
    # Before allauth: of two templates of one name, ours is found.
    "muniment.server.accounts",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "allauth.usersessions",
    "muniment.server.ledgerapp",
    "muniment.server.tenants",
    "muniment.server.setup",
    "muniment.server.members",
    "muniment.server.tenancy",
    "muniment.server.explorer",
    "muniment.server.history",
    "muniment.server.tables",
    "muniment.server.dlp",
    "muniment.server.attachments",
    "muniment.server.frameworks",
    "muniment.server.controls",
    "muniment.server.matrix",
    "muniment.server.policies",
    "muniment.server.assets",
    "muniment.server.approvals",
    "muniment.server.exceptions",
    "muniment.server.reports",
    "muniment.server.populations",
    "muniment.server.exports",
    "muniment.server.reasons",
    "muniment.server.signing",
    "muniment.server.statements",
    "muniment.server.packets",
    "muniment.server.packets.building",
    "muniment.server.risks",
    "muniment.server.notifications",
    "muniment.server.reminders",
    "muniment.server.comments",
    "muniment.server.work",
    "muniment.server.remediation",
    "muniment.server.anomalies",
    "muniment.server.sso",
    "muniment.server.anchors",
    "muniment.server.overview",
    "muniment.server.verification",
    "muniment.server.sources",
    "muniment.server.trail",
    "muniment.server.web",
]
MIDDLEWARE = [
    "muniment.server.api.middleware.answers",
    "muniment.server.web.headers.PageHeaders",
    "muniment.server.requestlimits.RequestLimits",
    "muniment.server.tenants.middleware.TenantMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "muniment.server.accounts.middleware.SessionLimits",
    "muniment.server.accounts.middleware.RequireSecondFactor",
    "muniment.server.sso.gate.SsoOnly",
]
ROOT_URLCONF = "muniment.server.urls"
ASGI_APPLICATION = "muniment.server.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "muniment.server.web.context.page",
            ]
        },
    }
]
# A component sees what it is given, not the page around it.
COTTON_ISOLATE_BY_DEFAULT = True
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 * MIB
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
STATIC_URL = "/static/"

# Identity. What makes it safe stands here and in `accounts.adapters`; no plan, licence or flag turns it off.
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "muniment.server.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_LOGIN_TIMEOUT = 600
# allauth counts attempts in the memory of one process; `accounts.throttle` counts in the database.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_EMAIL_NOTIFICATIONS = False
PASSWORD_RESET_TIMEOUT = 3600
MFA_ADAPTER = "muniment.server.accounts.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
LOGIN_REDIRECT_URL = "tenants:choose"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "muniment_session"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "muniment.server.web.faults.csrf"
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if os.environ.get("MUNIMENT_TRUSTED_PROXIES", "0") != "0" else None
)
if PUBLIC_URL.startswith("https://"):
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
    CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"


def _mail(url: str) -> dict[str, object]:
    if not url:
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(PLACES.home / "mail"),
        }
    parts = urlsplit(url)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
        "EMAIL_TIMEOUT": 10,
    }


globals().update(_mail(os.environ.get("MUNIMENT_SMTP_URL", "")))
DEFAULT_FROM_EMAIL = os.environ.get("MUNIMENT_MAIL_FROM", "muniment@localhost")

MAX_REQUEST_BYTES: Final = min(int(os.environ.get("MUNIMENT_MAX_REQUEST", str(16 * MIB))), 50 * MIB)
TRUSTED_PROXIES: Final = int(os.environ.get("MUNIMENT_TRUSTED_PROXIES", "0"))

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "muniment": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
    },
}
