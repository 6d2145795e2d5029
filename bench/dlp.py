"""Data protection: detectors over text, and whole files in the process that reads them."""

import io
import random
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from bench.row import Row
from muniment.dlp.detection import Detection
from muniment.dlp.inspection import inspect

SIZE: Final = 16 << 20
REPEATS: Final = 3
TODAY: Final = date(2026, 11, 22)
_SAID: Final = (
    "the report of last month says that access was reviewed and one exception noted by whoever owns the system while "
    "an invoice for services was paid from our account and copies are kept apart so that nothing else is stored "
    "Zażółć gęślą jaźń für Größe été naïve"
)
_WORDS: Final = _SAID.split()
_NAMES: Final = ("passport", "card", "PESEL", "account no")


def prose(chance: random.Random) -> str:
    """A line of words, with a number now and then, and seldom a word that leads to one."""
    words = chance.choices(_WORDS, k=14)
    if chance.random() < 0.3:
        words[3] = str(chance.randrange(10 ** chance.randrange(1, 10)))
    if chance.random() < 0.02:
        words[9] = chance.choice(_NAMES)
    return " ".join(words)


def log(chance: random.Random) -> str:
    """A line as servers write them."""
    at = datetime.fromtimestamp(1_790_000_000 + chance.randrange(10**7), UTC)
    asked = (
        f"req={chance.getrandbits(64):016x} took={chance.randrange(900)}ms path=/api/entries/{chance.randrange(10**6)}"
    )
    return f"{at:%Y-%m-%dT%H:%M:%S}.{chance.randrange(10**6):06}Z INFO {asked}"


def cells(chance: random.Random) -> str:
    """A row of numbers."""
    amounts = ",".join(f"{chance.randrange(10**7) / 100:.2f}" for _ in range(8))
    return f"{chance.randrange(10**8)},{amounts},2026-0{chance.randrange(1, 10)}-11"


def ids(chance: random.Random) -> str:
    """A number of up to twelve digits, alone on its line."""
    return str(chance.randrange(10**12))


def run(size: int = SIZE) -> list[Row]:
    """Measure."""
    rows, mixed = [], b""
    for name, line in (("prose", prose), ("log lines", log), ("tables of numbers", cells), ("columns of numbers", ids)):
        text = made(line, size)
        mixed += text[: size // 4]
        rows.append(Row(f"DLP detectors over {name}", speed(text), "MB/s", 20.0, "higher"))
    rows.append(Row("DLP detectors over a mixture of these", speed(mixed), "MB/s", 20.0, "higher"))
    rows.append(Row("DLP of a text file in its own process", whole(mixed), "MB/s", 20.0, "higher"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", mixed)
    rows.append(Row("DLP of the same, in an archive", whole(packed.getvalue(), len(mixed)), "MB/s", None, "higher"))
    return rows


def made(line: Callable[[random.Random], str], size: int) -> bytes:
    """Lines of one kind, at least `size` bytes."""
    chance, lines, total = random.Random(7), [], 0
    while total < size:
        lines.append(line(chance))
        total += len(lines[-1]) + 1
    return "\n".join(lines).encode()[:size].decode("utf-8", "ignore").encode()


def speed(text: bytes) -> float:
    """Megabytes a second, of the slowest run."""
    detection, taken = Detection(today=TODAY), []
    for _ in range(REPEATS):
        began = time.perf_counter()
        detection.count(text)
        taken.append(time.perf_counter() - began)
    return len(text) / max(taken) / 1e6


def whole(data: bytes, size: int = 0) -> float:
    """Megabytes of text a second, with the start of the process."""
    began = time.perf_counter()
    found = inspect([data], today=TODAY)
    taken = time.perf_counter() - began
    if found.coverage != "scanned":
        raise RuntimeError(f"the file was not scanned: {found.reason}")
    return (size or len(data)) / taken / 1e6
