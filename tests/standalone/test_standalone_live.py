"""The single-file verifier on a live log, served as C2SP tlog-tiles by a small server of the test's own."""

import gzip
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from muniment.verifier.standalone import muniment_verify as mv
from tests.standalone.conftest import Answer
from tests.standalone.forge import LOG, ORIGIN, ROOT, Forge, Signer, event, tree_root


def tiles(forge: Forge) -> dict[str, bytes]:
    """Every resource of a log, written from the text of tlog-tiles for logs below 1,000 tiles."""
    keys = forge.keys_text()
    made = {"checkpoint": forge.checkpoint().encode(), "keys": (keys + "\n" + ROOT.line(keys)).encode()}

    def put(level: str, items: list[bytes]) -> None:
        for start in range(0, len(items), 256):
            part = items[start : start + 256]
            suffix = "" if len(part) == 256 else f".p/{len(part)}"
            made[f"tile/{level}/{start // 256:03d}{suffix}"] = b"".join(part)

    put("entries", [len(raw).to_bytes(2, "big") + raw for raw in forge.raw])
    row, level = forge.leaves, 0
    while row:
        put(str(level), row)
        row = [tree_root(row[at : at + 256]) for at in range(0, len(row) - 255, 256)]
        level += 1
    return made


class Served:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.token: str | None = None
        self.headers: dict[str, str] = {}
        self.redirect: str | None = None
        self.asked: list[tuple[str, str | None]] = []


@pytest.fixture
def served() -> Iterator[tuple[Served, str]]:
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers["Authorization"]))
            body = state.files.get(self.path.removeprefix(f"/logs/{ORIGIN}/"))
            allowed = state.token is None or self.headers["Authorization"] == f"Bearer {state.token}"
            if state.redirect:
                self.send_response(302)
                self.send_header("Location", state.redirect)
                self.end_headers()
                return
            self.send_response(401 if not allowed else 404 if body is None else 200)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if allowed and body is not None:
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield state, f"http://127.0.0.1:{server.server_port}/logs/{ORIGIN}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(url: str, root: str | None = ROOT.vkey, key: str | None = None) -> Answer:
    return Answer(mv.verify(url, mv.Pins(root=mv.read_vkey(root, 1) if root else None), key))


def grown(size: int) -> Forge:
    forge = Forge()
    forge.add_genesis()
    leaf_cache: list[bytes] = forge.leaves
    for number in range(1, size):
        forge.add(event(number), prev=leaf_cache[-1].hex())
        leaf_cache.append(mv.sha256(b"\0", forge.raw[-1]))
    return forge


LOGS = {size: tiles(grown(size)) for size in (1, 8, 256, 515)}


@pytest.mark.parametrize("size", LOGS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_live_log_is_walked_whole(served: tuple[Served, str], size: int, slash: str) -> None:
    served[0].files = LOGS[size]
    answer = run(served[1] + slash)
    assert (answer["verdict"], answer["trust"], answer["entries"]) == ("verified", "pinned", size)
    assert {path.removeprefix(f"/logs/{ORIGIN}/") for path, _ in served[0].asked} == set(LOGS[size])
    assert run(served[1], root=None)["trust"] == "self-attested"


def test_a_log_that_compresses_is_read(served: tuple[Served, str]) -> None:
    served[0].files = {path: gzip.compress(raw) for path, raw in LOGS[515].items()}
    served[0].headers = {"Content-Encoding": "gzip"}
    assert run(served[1])["verdict"] == "verified"


def test_a_full_bundle_stands_in_for_a_partial_one_that_is_gone(served: tuple[Served, str]) -> None:
    forge = grown(300)
    older = Forge(raw=forge.raw[:200])
    files = tiles(older)
    files["tile/entries/000"] = tiles(forge)["tile/entries/000"]
    del files["tile/entries/000.p/200"]
    served[0].files = files
    assert run(served[1])["verdict"] == "verified"


def test_a_private_log_wants_its_key(served: tuple[Served, str]) -> None:
    served[0].files, served[0].token = LOGS[8], "mk_secret"
    assert run(served[1])["verdict"] == "malformed"
    assert run(served[1], key="mk_secret")["verdict"] == "verified"


def test_an_api_key_is_not_carried_to_another_address(served: tuple[Served, str]) -> None:
    served[0].files, served[0].redirect = LOGS[8], served[1] + "/checkpoint"
    answer = run(served[1], key="mk_secret")
    assert (answer["verdict"], len(served[0].asked)) == ("malformed", 1)


@pytest.mark.parametrize(
    "path", ["checkpoint", "tile/entries/000", "tile/entries/002.p/3", "tile/0/001", "tile/1/000.p/2"]
)
def test_a_resource_that_is_not_served_is_named(served: tuple[Served, str], path: str) -> None:
    served[0].files = {name: raw for name, raw in LOGS[515].items() if name != path}
    answer = run(served[1])
    assert answer["verdict"] == "malformed"
    assert path.split(".p/")[0] in answer.reason("form")


def test_a_log_without_a_keys_note_is_not_verified(served: tuple[Served, str]) -> None:
    served[0].files = {name: raw for name, raw in LOGS[8].items() if name != "keys"}
    assert run(served[1]).failed == {"keys"}
    assert run(served[1], root=None)["verdict"] == "failed"


WRONG: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "a changed hash tile": ("tile/0/000", lambda raw: b"\0" + raw[1:], "failed"),
    "a changed upper hash tile": ("tile/1/000.p/2", lambda raw: b"\0" + raw[1:], "failed"),
    "a short hash tile": ("tile/0/001", lambda raw: raw[:-32], "failed"),
    "a long hash tile": ("tile/0/001", lambda raw: raw + bytes(32), "malformed"),
    "a changed entry": ("tile/entries/001", lambda raw: raw.replace(b"success", b"failure", 1), "failed"),
    "a cut entry bundle": ("tile/entries/001", lambda raw: raw[:-1], "malformed"),
    "an empty entry bundle": ("tile/entries/001", lambda raw: b"", "malformed"),
    "an entry too many": ("tile/entries/002.p/3", lambda raw: raw + b"\0\2{}", "malformed"),
    "a checkpoint of another size": ("checkpoint", lambda raw: raw.replace(b"\n515\n", b"\n514\n"), "malformed"),
    "an empty log": ("checkpoint", lambda raw: raw.replace(b"\n515\n", b"\n0\n"), "malformed"),
    "a checkpoint without end": ("checkpoint", lambda raw: raw * 1000, "malformed"),
    "a keys note of another root": ("keys", lambda raw: raw.replace(ROOT.name.encode(), b"example.org/toor"), "failed"),
    "an empty keys note": ("keys", lambda raw: b"", "malformed"),
}


@pytest.mark.parametrize("case", WRONG, ids=str)
def test_a_live_log_that_was_changed_is_not_verified(served: tuple[Served, str], case: str) -> None:
    path, change, verdict = WRONG[case]
    assert change(LOGS[515][path]) != LOGS[515][path]
    served[0].files = LOGS[515] | {path: change(LOGS[515][path])}
    assert run(served[1])["verdict"] == verdict


def test_a_log_that_is_not_the_one_in_the_address_is_out_of_place(served: tuple[Served, str]) -> None:
    forge = Forge(origin="example.org/other")
    forge.add_genesis()
    other = Signer(forge.origin)
    text, keys = forge.checkpoint_text(), forge.keys_text(lines=[f"log {other.vkey} from 0"])
    served[0].files = tiles(forge) | {
        "checkpoint": (text + "\n" + other.line(text)).encode(), "keys": (keys + "\n" + ROOT.line(keys)).encode()
    }  # fmt: skip
    assert run(served[1]).failed == {"place"}


def test_what_says_it_is_gzip_and_is_not_is_malformed(served: tuple[Served, str]) -> None:
    served[0].files, served[0].headers = LOGS[8], {"Content-Encoding": "gzip"}
    assert run(served[1])["verdict"] == "malformed"


def test_a_small_answer_that_unpacks_to_a_large_one_is_cut_off(served: tuple[Served, str]) -> None:
    served[0].files = LOGS[8] | {"checkpoint": gzip.compress(bytes(50_000_000))}
    served[0].headers = {"Content-Encoding": "gzip"}
    assert "longer than" in run(served[1]).reason("form")


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/", "https://exa\u0000mple/", "http://127.0.0.1:99999/x",
                                 "http://127.0.0.1:1/logs/x"])  # fmt: skip
def test_an_address_that_cannot_be_fetched_is_malformed(url: str) -> None:
    assert run(url)["verdict"] == "malformed"


def test_an_api_key_that_would_split_a_header_is_refused(served: tuple[Served, str]) -> None:
    served[0].files = LOGS[8]
    assert run(served[1], key="mk_x\r\nX-Other: 1")["verdict"] == "malformed"
    assert served[0].asked == []


@pytest.mark.parametrize(("index", "width", "path"), [
    (0, 256, "tile/0/000"), (5, 7, "tile/0/005.p/7"), (999, 256, "tile/0/999"), (1000, 256, "tile/0/x001/000"),
    (1234067, 256, "tile/0/x001/x234/067")])  # fmt: skip
def test_tile_paths_are_those_of_the_specification(index: int, width: int, path: str) -> None:
    assert mv.tile_path("0", index, width) == path
    assert LOG.name == ORIGIN
