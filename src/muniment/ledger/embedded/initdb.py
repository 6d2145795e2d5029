"""Making a new cluster."""

import os
import secrets
import shutil
from pathlib import Path
from typing import Final

from muniment.core.errors import Refused
from muniment.ledger.embedded.account import Account, initdb_account
from muniment.ledger.embedded.binaries import reachable_programs
from muniment.ledger.embedded.privatefile import write_private

SUPERUSER: Final = "postgres"
PASSWORD_FILE: Final = "superuser.password"  # noqa: S105 - a file's name

# Done by the account that made the files: root writes nothing where another account could have put a link.
_FINISH: Final = """
mkdir -m 700 "$1/log" && printf '%s\\n' "" "include = '../muniment.conf'" "include_if_exists = '../local.conf'" \
    >> "$1/postgresql.conf"
"""


def make_cluster(directory: Path, data: Path, account: Account) -> None:
    """Make a cluster beside its final place and move it there whole, so that half of one is never found.

    Args:
        directory: ours; gets the superuser's password.
        data: in `directory`; must not exist.
        account: will own the data.

    Raises:
        Refused: with what initdb said.
    """
    for left in directory.glob("data.new-*"):
        shutil.rmtree(left)
    maker = initdb_account(account)
    staging = directory / f"data.new-{os.getpid()}"
    staging.mkdir(mode=0o700)
    password = secrets.token_urlsafe(32)
    write_private(staging / "password", password + "\n")
    maker.own_tree(staging)
    programs = reachable_programs(account, directory)
    made = maker.run(
        [
            str(programs / "initdb"),
            f"--pgdata={staging / 'data'}",
            f"--username={SUPERUSER}",
            f"--pwfile={staging / 'password'}",
            "--auth=scram-sha-256",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]
    )
    if not made.returncode:
        made = maker.run(["/bin/sh", "-c", _FINISH, "sh", str(staging / "data")])
    if made.returncode:
        shutil.rmtree(staging)
        raise Refused(f"initdb could not make the database in {directory}: {made.stdout.strip()}", "postgres")
    account.own_tree(staging / "data")
    write_private(directory / PASSWORD_FILE, password + "\n")
    local = directory / "local.conf"
    if not local.exists():
        write_private(local, "# Your own settings: they win over muniment.conf. See docs/operate.md.\n", 0o644)
    (staging / "data").rename(data)
    shutil.rmtree(staging)
