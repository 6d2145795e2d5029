"""Settings of the server, read once from the environment that `muniment up` (or an operator's unit file) gives it.

| Variable | What |
|---|---|
| `MUNIMENT_APP_URL` | database URL of the role `muniment_app`; without it, the one that the installation's home names |
| `MUNIMENT_INGEST_URL` | database URL of the role `muniment_ingest`; likewise |
| `MUNIMENT_SECRET_KEY` | Django's secret; made anew at each start when it is not set |
| `MUNIMENT_HOSTS` | host names that are answered, separated by commas; default: loopback names and `*.localhost` |
| `MUNIMENT_MAX_REQUEST` | largest request body in bytes, packed or unpacked; default 16 MiB, at most 50 MiB |
| `MUNIMENT_TRUSTED_PROXIES` | how many proxies in front may be believed about the client's address; default 0 |
"""

from __future__ import annotations

import os
import secrets
from typing import Final

from psycopg.conninfo import conninfo_to_dict

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
        "OPTIONS": parts,
    }


DATABASES = {"default": _database(os.environ["MUNIMENT_APP_URL"])} if "MUNIMENT_APP_URL" in os.environ else {}

SECRET_KEY = os.environ.get("MUNIMENT_SECRET_KEY") or secrets.token_urlsafe(48)
DEBUG = False
ALLOWED_HOSTS = [
    host.strip()
    for host in os.environ.get("MUNIMENT_HOSTS", "localhost,127.0.0.1,[::1],.localhost").split(",")
    if host.strip()
]

INSTALLED_APPS = ["django.contrib.contenttypes", "ninja"]
MIDDLEWARE = ["muniment.server.api.middleware.answers"]
ROOT_URLCONF = "muniment.server.urls"
ASGI_APPLICATION = "muniment.server.asgi.application"
TEMPLATES: list[dict[str, object]] = []
APPEND_SLASH = False
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1 * MIB

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
