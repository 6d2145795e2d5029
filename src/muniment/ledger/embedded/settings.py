"""The settings of the embedded database, as the file `muniment.conf` that every start writes again."""

import os
from collections.abc import Mapping
from typing import Final

_SETTINGS: Final[Mapping[str, str]] = {
    # Who may connect: this machine only, with a password that is never sent.
    "listen_addresses": "127.0.0.1",
    "password_encryption": "scram-sha-256",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    # What is acknowledged is on the disk.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # An append-only load: long checkpoints, room for the write-ahead log, no compilation of small queries.
    "wal_level": "replica",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": "0.9",
    "wal_buffers": "16MB",
    "random_page_cost": "1.1",
    "jit": "off",
    # One clock, one text form.
    "timezone": "UTC",
    "log_timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "default_text_search_config": "pg_catalog.simple",
    # A week of logs. Terse: an error's detail would copy the values of a row into the log.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_min_duration_statement": "5s",
    "log_parameter_max_length": "0",
}


def configuration(cluster_name: str, overrides: Mapping[str, str]) -> str:
    """The text of `muniment.conf`; `overrides` win over what we set.

    Args:
        cluster_name: shown in the title of every server process, by which we know them again.
        overrides: setting names and values, unquoted.
    """
    settings = {"cluster_name": cluster_name, "shared_buffers": _shared_buffers(), **_SETTINGS, **overrides}
    lines = [f"{name} = '{value.replace(chr(39), 2 * chr(39))}'\n" for name, value in settings.items()]
    head = "# Written at every start. Put your own settings into local.conf beside this file: they win.\n"
    return head + "".join(lines)


def _shared_buffers() -> str:
    """An eighth of the memory, from 64 MB to 1 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{min(1024, max(64, memory // 8 // 1024**2))}MB"
