"""The log's address as C2SP tlog-tiles, read by a small client that knows the specification and nothing of ours."""

import base64
import gzip
import hashlib

import httpx
import pytest

from tests.server.events import event
from tests.support.servers import Tenant

WIDTH = 256


def leaf(data: bytes) -> bytes:
    return hashlib.sha256(b"\0" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def fold(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 over leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return node(fold(hashes[:split]), fold(hashes[split:]))


def index_path(index: int) -> str:
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


class TilesClient:
    """What tlog-tiles prescribes of a client."""

    def __init__(self, http: httpx.Client, origin: str) -> None:
        self.http = http
        self.prefix = f"/logs/{origin}"

    def checkpoint(self) -> tuple[str, int, bytes]:
        answer = self.http.get(f"{self.prefix}/checkpoint")
        assert answer.status_code == 200
        origin, size, root = answer.text.split("\n\n")[0].split("\n")[:3]
        return origin, int(size), base64.b64decode(root)

    def tile(self, level: str, index: int, count: int) -> httpx.Response:
        partial = "" if count == WIDTH else f".p/{count}"
        answer = self.http.get(f"{self.prefix}/tile/{level}/{index_path(index)}{partial}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/octet-stream"
        return answer

    def level(self, level: int, size: int) -> list[bytes]:
        count = size >> (8 * level)
        data = b"".join(
            self.tile(str(level), at // WIDTH, min(WIDTH, count - at)).content for at in range(0, count, WIDTH)
        )
        return [data[at : at + 32] for at in range(0, len(data), 32)]

    def entries(self, size: int) -> list[bytes]:
        found = []
        for first in range(0, size, WIDTH):
            data = self.tile("entries", first // WIDTH, min(WIDTH, size - first)).content
            while data:
                length = int.from_bytes(data[:2], "big")
                found.append(data[2 : 2 + length])
                data = data[2 + length :]
        return found


@pytest.fixture
def grown(tenant: Tenant) -> Tenant:
    with tenant.client() as client:
        for many in (300, 250):
            answer = client.post("/api/events", json={"events": [{"event": event()}] * many})
            assert answer.status_code == 201
            tenant.installation.seal()
    return tenant


def test_tiles_entries_and_checkpoint_agree(grown: Tenant) -> None:
    with grown.client("read") as http:
        client = TilesClient(http, grown.origin)
        origin, size, root = client.checkpoint()
        entries = client.entries(size)
        leaves = client.level(0, size)
        above = client.level(1, size)
    assert origin == grown.origin
    assert size > 550
    assert len(entries) == size
    assert [leaf(entry) for entry in entries] == leaves
    assert above == [fold(leaves[at : at + WIDTH]) for at in range(0, size - size % WIDTH, WIDTH)]
    assert fold(leaves) == root


def test_any_width_that_the_tree_once_had_is_served_and_none_beyond_it(grown: Tenant) -> None:
    with grown.client("read") as http:
        client = TilesClient(http, grown.origin)
        _, size, _ = client.checkpoint()
        full = client.tile("0", 0, WIDTH).content
        assert client.tile("0", 0, 17).content == full[: 17 * 32]
        last = size % WIDTH
        for path in (
            f"tile/0/002.p/{last + 1}",
            "tile/0/002",
            "tile/0/003.p/1",
            "tile/1/000.p/3",
            "tile/2/000.p/1",
            f"tile/entries/002.p/{last + 1}",
            "tile/entries/999",
        ):
            assert http.get(f"{client.prefix}/{path}").status_code == 404


def test_entries_that_no_checkpoint_covers_are_not_given_out(grown: Tenant) -> None:
    with grown.client() as append, grown.client("read") as http:
        client = TilesClient(http, grown.origin)
        _, size, _ = client.checkpoint()
        append.post("/api/events", json={"event": event()})
        answer = http.get(f"{client.prefix}/tile/entries/{index_path(size // WIDTH)}.p/{size % WIDTH + 1}")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/00/000",
        "tile/-1/000",
        "tile/0/x000/000",
        "tile/64/000",
        "tile/entries/000.p/",
        "tile/data/000",
        "tile/",
        "",
        "tile/0/000/",
        "Checkpoint",
        "tile/0/%00",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_a_path_that_tlog_tiles_does_not_have_is_not_found(grown: Tenant, path: str) -> None:
    with grown.client("read") as http:
        answer = http.get(f"/logs/{grown.origin}/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:muniment:problem:not-found")


def test_tiles_are_kept_for_ever_by_their_reader_and_checkpoints_are_not(grown: Tenant) -> None:
    with grown.client("read") as http:
        tile = http.get(f"/logs/{grown.origin}/tile/0/000")
        checkpoint = http.get(f"/logs/{grown.origin}/checkpoint")
    assert tile.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert checkpoint.headers["Cache-Control"] == "no-cache"
    assert checkpoint.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_entries_are_compressed_for_those_who_can_read_that(grown: Tenant) -> None:
    path = f"/logs/{grown.origin}/tile/entries/000"
    with grown.client("read") as http:
        plain = http.get(path, headers={"Accept-Encoding": "identity"})
        unwanted = http.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
        with http.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as packed:
            raw = b"".join(packed.iter_raw())
    assert "Content-Encoding" not in plain.headers
    assert "Content-Encoding" not in unwanted.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(raw) == plain.content
    assert len(raw) < len(plain.content) / 3


def test_head_answers_as_get_without_the_body(grown: Tenant) -> None:
    with grown.client("read") as http:
        for path in ("checkpoint", "tile/0/000"):
            answer = http.head(f"/logs/{grown.origin}/{path}")
            assert (answer.status_code, answer.content) == (200, b"")


def test_the_keys_note_is_the_newest_that_the_root_key_signed(grown: Tenant) -> None:
    with grown.client("read") as http:
        note = http.get(f"/logs/{grown.origin}/keys").text
    assert note.startswith(f"muniment-keys/1\n{grown.origin}\n1\n")
    assert "\n— test-root " in note
