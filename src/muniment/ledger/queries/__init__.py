"""Named queries: one file each, read as SQL, run with psycopg's parameters."""

from functools import cache
from importlib.resources import files


@cache
def query(name: str) -> bytes:
    """The text of `<name>.sql` of this folder.

    Raises:
        FileNotFoundError: if there is no such query.
    """
    return files(__name__).joinpath(f"{name}.sql").read_bytes()
