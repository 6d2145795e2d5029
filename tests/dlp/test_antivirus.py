"""An antivirus is asked by clamd's protocol; whatever is no clear answer is none."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from muniment.core.errors import Malformed
from muniment.dlp.judging import CLEAN, NO_ANSWER, NOT_ASKED
from muniment.server.dlp.antivirus import ask_antivirus, check_address

# The harmless file that every antivirus finds. Source: EICAR, "Anti-Malware Testfile".
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MOST = 1 << 20


class Clamd(socketserver.StreamRequestHandler):
    """Speaks INSTREAM: finds the test file, and takes at most 1 MiB."""

    def handle(self) -> None:
        if self.rfile.read(10) != b"zINSTREAM\0":
            self.wfile.write(b"UNKNOWN COMMAND\0")
            return
        data = b""
        while size := struct.unpack(">I", self.rfile.read(4))[0]:
            data += self.rfile.read(size)
            if len(data) > MOST:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        found = b"Eicar-Test-Signature FOUND" if EICAR in data else b"OK"
        self.wfile.write(b"stream: " + found + b"\0")


class Silent(socketserver.StreamRequestHandler):
    """Hangs up."""

    def handle(self) -> None:
        self.rfile.read(10)


@contextmanager
def listening(handler: type[socketserver.BaseRequestHandler], path: Path | None = None) -> Iterator[str]:
    made: socketserver.BaseServer = (
        socketserver.TCPServer(("127.0.0.1", 0), handler)
        if path is None
        else socketserver.UnixStreamServer(str(path), handler)
    )
    with made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"unix:{path}" if path is not None else f"tcp://127.0.0.1:{made.server_address[1]}"  # type: ignore[str-bytes-safe]
        finally:
            made.shutdown()
            thread.join()


def test_an_antivirus_says_what_it_found_over_either_kind_of_socket(tmp_path: Path) -> None:
    for path in (None, tmp_path / "clamd.ctl"):
        with listening(Clamd, path) as address:
            assert ask_antivirus(check_address(address), [b"a", b"bc"]) == CLEAN
            assert ask_antivirus(address, [EICAR[:20], EICAR[20:]]) == "Eicar-Test-Signature"
            assert ask_antivirus(address, [bytes(MOST // 2)] * 3) == NO_ANSWER


def test_an_antivirus_that_is_not_there_or_hangs_up_gave_no_answer(tmp_path: Path) -> None:
    assert ask_antivirus("", [b"a"]) == NOT_ASKED
    assert ask_antivirus(f"unix:{tmp_path / 'nobody'}", [b"a"]) == NO_ANSWER
    with listening(Silent) as address:
        assert ask_antivirus(address, [b"a"]) == NO_ANSWER
    assert ask_antivirus(address, [b"a"]) == NO_ANSWER


@pytest.mark.parametrize(
    "address", ["tcp://198.51.100.7:3310", "tcp://clamd.example:3310", "http://127.0.0.1:80", "unix:relative", "tcp://127.0.0.1"]
)  # fmt: skip
def test_files_are_sent_to_no_other_machine(address: str) -> None:
    with pytest.raises(Malformed, match="on this machine alone"):
        check_address(address)
