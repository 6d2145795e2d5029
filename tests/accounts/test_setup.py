"""The first start: one link makes the first administrator, with a second factor, and works no more."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import psycopg
import pytest

from muniment.ledger.tenants import tenant_by_slug
from muniment.server.installation_tenants import create_tenant_with_log
from muniment.server.setup.tokens import is_set_up, setup_address, setup_token
from tests.server.conftest import Installation, installation_of
