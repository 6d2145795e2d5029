"""Vectors for single texts: entries, events, notes, checkpoints, keys notes, proofs and signatures."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.entry import entry_hash
from muniment.core.event import event_hash
from muniment.core.merkle import root_of
from muniment.core.tlogproof import TlogProof
from tests.core import trees
from tests.vectors.log import COSIGNER, LOG, NEXT_LOG, ROOT, STRANGER_LOG, Builder, checkpoint, keys_note

Vector = dict[str, Any]
L = 2**252 + 27742317777372353535851937790883648493


def given(name: str, data: bytes, **expected: object) -> Vector:
    """One vector; the input stands as text where it is UTF-8, otherwise as base64."""
    try:
        return {"name": name, "text": data.decode(), **expected}
    except UnicodeDecodeError:
        return {"name": name, "base64": base64.b64encode(data).decode(), **expected}


def accepted(name: str, data: bytes, **more: object) -> Vector:
    return given(name, data, expect="accepted", **more)


def malformed(name: str, data: bytes, where: str | None = None) -> Vector:
    return given(name, data, expect="malformed", where=where)


def array(item: bytes, count: int) -> bytes:
    return b",".join(b'"%b"' % (item % number) for number in range(count))


# name of the mutation, expression, replacement, the field that the error names (None: none in particular)
SHARED: tuple[tuple[str, bytes, bytes, str | None], ...] = (
    ("unknown key", rb'"outcome":', b'"nonsense":"x","outcome":', "nonsense"),
    ("key twice", rb'("outcome":"[a-z]+")', rb"\1,\1", None),
    ("key twice after unescaping", rb'("outcome":"[a-z]+")', rb'\1,"outc\\u006fme":"success"', None),
    ("key in escaped form", rb'"outcome":', rb'"outc\\u006fme":', None),
    ("keys in another order", rb'("occurred_at":"[^"]+"),("outcome":"[^"]+")', rb"\2,\1", None),
    ("space after a colon", rb'"outcome":', b'"outcome": ', None),
    ("newline between keys", rb',"outcome"', b',\n"outcome"', None),
    ("slash escaped", rb"application/json", rb"application\\/json", None),
    ("letter escaped", rb"http_request", rb"http\\u005frequest", None),
    ("missing outcome", rb',"outcome":"[a-z]+"', b"", "outcome"),
    ("missing actor type", rb'("actor":\{"id":"[^"]+"),"type":"[a-z]+"', rb"\1", "actor.type"),
    ("null for an absent key", rb'"outcome":', b'"outcome":null,"x":', None),
    ("null tool", rb'"tool":"[^"]+"', b'"tool":null', "tool"),
    ("empty tool", rb'"tool":"[^"]+"', b'"tool":""', "tool"),
    ("empty array", rb'"labels":\[[^]]*\]', b'"labels":[]', "labels"),
    ("true for an integer", rb'"scheme":1', b'"scheme":true', None),
    ("fraction for an integer", rb'"scheme":1', b'"scheme":1.0', None),
    ("exponent", rb'"len":[0-9]+', b'"len":1e2', None),
    ("negative length", rb'"len":[0-9]+', b'"len":-1', "body.len"),
    ("negative zero", rb'"len":[0-9]+', b'"len":-0', None),
    ("leading zero", rb'"len":([0-9]+)', rb'"len":0\1', None),
    ("integer of 2^53", rb'"len":[0-9]+', b'"len":9007199254740992', None),
    ("integer as a string", rb'"len":([0-9]+)', rb'"len":"\1"', "body.len"),
    ("unknown scheme", rb'"scheme":1', b'"scheme":2', "body.scheme"),
    ("commitment in capitals", rb'"commit":"..', b'"commit":"AB', "body.commit"),
    ("commitment too short", rb'"commit":"..', b'"commit":"', "body.commit"),
    ("media type with parameters", rb"application/json", b"application/json; charset=utf-8", "body.type"),
    ("unknown actor type", rb'"type":"agent"', b'"type":"robot"', "actor.type"),
    ("unknown outcome", rb'"outcome":"success"', b'"outcome":"ok"', "outcome"),
    ("action of one word", rb'"action":"tool\.call"', b'"action":"tool"', "action"),
    ("action in capitals", rb'"action":"tool\.call"', b'"action":"Tool.call"', "action"),
    ("action of 65 bytes", rb'"action":"tool\.call"', b'"action":"a.' + b"b" * 63 + b'"', "action"),
    ("actor id of 257 bytes", rb'"actor":\{"id":"[^"]+"', b'"actor":{"id":"' + b"a" * 257 + b'"', "actor.id"),
    ("actor id of 129 times 2 bytes", rb'"id":"agent[^"]+"', b'"id":"' + b"\xc3\xa9" * 129 + b'"', "actor.id"),
    ("actor id of 257 bytes, one escaped", rb'"id":"agent[^"]+"', b'"id":"' + b"a" * 256 + rb'\\""', "actor.id"),
    ("tool of 257 bytes", rb'"tool":"[^"]+"', b'"tool":"' + b"a" * 257 + b'"', "tool"),
    ("resource id of 1,025 bytes", rb'"id":"agent\.exec"', b'"id":"' + b"a" * 1025 + b'"', "resource.id"),
    ("escaped control character", rb'"actor":\{"id":"', rb'"actor":{"id":"\\u0007', "actor.id"),
    ("escaped zero", rb'"actor":\{"id":"', rb'"actor":{"id":"\\u0000', "actor.id"),
    ("raw control character", rb'"actor":\{"id":"', b'"actor":{"id":"\x01', None),
    ("delete character", rb'"actor":\{"id":"', b'"actor":{"id":"\x7f', "actor.id"),
    ("C1 control character", rb'"actor":\{"id":"', b'"actor":{"id":"\xc2\x85', "actor.id"),
    ("escaped lone surrogate", rb'"actor":\{"id":"', rb'"actor":{"id":"\\ud800', "actor.id"),
    ("encoded surrogate", rb'"actor":\{"id":"', b'"actor":{"id":"\xed\xa0\x80', None),
    ("invalid UTF-8", rb'"actor":\{"id":"', b'"actor":{"id":"\xff', None),
    ("overlong UTF-8", rb'"actor":\{"id":"', b'"actor":{"id":"\xc1\x81', None),
    ("labels out of order", rb'"env=prod","region=eu1"', b'"region=eu1","env=prod"', "labels[1]"),
    ("label twice", rb'"env=prod"', b'"env=prod","env=prod"', "labels[1]"),
    ("label beyond ASCII", rb'"region=eu1"', b'"region=\xc3\xa9"', "labels[1]"),
    ("label without a value", rb'"region=eu1"', b'"region="', "labels[1]"),
    ("33 labels", rb'"labels":\[[^]]*\]', b'"labels":[' + array(b"a=%02d", 33) + b"]", "labels"),
    ("number among labels", rb'"region=eu1"', b"7", "labels[1]"),
    ("the day after February", rb'"occurred_at":"2026-03-01', b'"occurred_at":"2026-02-29', "occurred_at"),
    ("month 13", rb'"occurred_at":"2026-03', b'"occurred_at":"2026-13', "occurred_at"),
    ("hour 24", rb'("occurred_at":"2026-03-01T)..', rb"\g<1>24", "occurred_at"),
    ("leap second", rb'("occurred_at":"2026-03-01T..:..:)..', rb"\g<1>60", "occurred_at"),
    ("year 1969", rb'"occurred_at":"2026', b'"occurred_at":"1969', "occurred_at"),
    ("year 2262", rb'"occurred_at":"2026', b'"occurred_at":"2262', "occurred_at"),
    ("year 9999", rb'"occurred_at":"2026', b'"occurred_at":"9999', "occurred_at"),
    ("event time of six digits", rb'(\.[0-9]{6})[0-9]{3}Z"', rb'\1Z"', "occurred_at"),
    ("time with an offset", rb'(\.[0-9]{9})Z"', rb'\1+00:00"', "occurred_at"),
    ("event id in small letters", rb'"id":"evt_....', b'"id":"evt_01ka', "id"),
    ("event id past the largest ULID", rb'"id":"evt_.', b'"id":"evt_8', "id"),
    ("event id with the letter U", rb'"id":"evt_0.', b'"id":"evt_0U', "id"),
    ("source without prev", rb',"prev":"[0-9a-f]{64}","seq":([0-9]+)\}', rb',"seq":\1}', "source.prev"),
    ("source without epoch", rb'"source":\{"epoch":"[0-9a-f]+",', b'"source":{', "source.epoch"),
    ("source id of an event", rb'"id":"src_', b'"id":"evt_', "source.id"),
    ("trace in capitals", rb'"trace":\{"id":"..', b'"trace":{"id":"AB', "trace.id"),
    ("span too long", rb'"span":"', b'"span":"00', "trace.span"),
    ("workspace with a space", rb'"workspace":"wks', b'"workspace":"w s', "workspace"),
    ("array where an object belongs", rb'"actor":\{[^}]*\}', b'"actor":[]', "actor"),
    ("string where an object belongs", rb'"actor":\{[^}]*\}', b'"actor":"agent"', "actor"),
    ("key inside actor", rb'"actor":\{', b'"actor":{"extra":"x",', "actor.extra"),
    ("nested seven deep", rb'"tool":"[^"]+"', b'"tool":[[[[[[[]]]]]]]', None),
    ("byte-order mark", rb"\A", b"\xef\xbb\xbf", None),
    ("space before", rb"\A", b" ", None),
    ("newline after", rb"\Z", b"\n", None),
    ("second object after", rb"\Z", b"{}", None),
    ("last brace missing", rb"\}\Z", b"", None),
)  # fmt: skip

ENTRY_ONLY: tuple[tuple[str, bytes, bytes, str | None], ...] = (
    ("unknown version", rb'"v":3\}', b'"v":4}', "v"),
    ("version as a string", rb'"v":3\}', b'"v":"3"}', "v"),
    ("no version", rb',"v":3\}', b"}", "v"),
    ("negative seq", rb'"seq":([0-9]+),"v"', b'"seq":-1,"v"', "seq"),
    ("seq of 2^53", rb'"seq":([0-9]+),"v"', b'"seq":9007199254740992,"v"', None),
    ("entry time of nine digits", rb'("recorded_at":"[^"]+)Z', rb"\g<1>000Z", "recorded_at"),
    ("entry time on 30 February", rb'"recorded_at":"2026-03-01', b'"recorded_at":"2026-02-30', "recorded_at"),
    ("prev in capitals", rb'("map":"[^"]+","prev":")..', rb"\1AB", "prev"),
    ("prev too long", rb'("map":"[^"]+","prev":")', rb"\g<1>00", "prev"),
    ("log in capitals", rb'"log":"log', b'"log":"Log', "log"),
    ("log that ends in a slash", rb'("log":"[^"]+)"', rb'\1/"', "log"),
    ("submitter without a kind", rb'"by":"key:', b'"by":"', "by"),
    ("mapping in capitals", rb'"map":"base', b'"map":"Base', "map"),
    ("controls out of order", rb'"soc2:CC6.1","soc2:CC7.2"', b'"soc2:CC7.2","soc2:CC6.1"', "controls[1]"),
    ("17 controls", rb'"controls":\[[^]]*\]', b'"controls":[' + array(b"s:%02d", 17) + b"]", "controls"),
    ("control without an edition's colon", rb'"soc2:CC7.2"', b'"soc2"', "controls[1]"),
    ("event as a string", rb'"event":\{.*\},"log"', b'"event":"x","log"', "event"),
    ("no event", rb'"event":\{.*\},"log"', b'"log"', "event"),
)  # fmt: skip


def mutations(
    base: bytes, table: tuple[tuple[str, bytes, bytes, str | None], ...], prefix: str = ""
) -> Iterator[Vector]:
    for name, pattern, replacement, where in table:
        data, count = re.subn(pattern, replacement, base, count=1, flags=re.DOTALL)
        assert count == 1, name
        assert data != base, name
        yield malformed(name, data, None if where is None else prefix + where)


def entries(log: Builder) -> list[Vector]:
    good = [accepted(f"entry {seq}", text, hash=entry_hash(text).hex()) for seq, text in enumerate(log.texts)]
    base = log.texts[2]
    long = re.sub(rb'"tool":"[^"]+"', b'"tool":"' + b"a" * 65_535 + b'"', base)
    return [
        *good,
        *mutations(base, ENTRY_ONLY),
        *mutations(base, SHARED, "event."),
        malformed("65,536 bytes and more", long),
        malformed("nothing", b""),
        malformed("an array", b"[]"),
        malformed("a number", b"3"),
        malformed("60,000 brackets", b"[" * 60_000),
    ]


def events(log: Builder) -> list[Vector]:
    texts = [
        json.dumps(json.loads(text)["event"], ensure_ascii=False, separators=(",", ":")).encode() for text in log.texts
    ]
    good = [accepted(f"event of entry {seq}", text, hash=event_hash(text).hex()) for seq, text in enumerate(texts)]
    return [*good, *mutations(texts[2], SHARED), malformed("nothing", b""), malformed("an entry", log.texts[2])]


def checkpoints(log: Builder) -> list[Vector]:
    note = checkpoint(log.texts, 10)
    text, _, signatures = note.partition(b"\n\n")
    origin, size, root = text.split(b"\n")

    def made(*lines: bytes) -> bytes:
        return b"\n".join(lines) + b"\n\n" + signatures

    return [
        accepted("checkpoint of size 10", note),
        accepted("checkpoint of size 1", checkpoint(log.texts, 1)),
        accepted("checkpoint without a cosignature", checkpoint(log.texts, 7, cosigned=False)),
        malformed("extension line", made(origin, size, root, b"extra")),
        malformed("no root", made(origin, size)),
        malformed("size with a leading zero", made(origin, b"010", root), "size"),
        malformed("size with a sign", made(origin, b"+10", root), "size"),
        malformed("size with an underscore", made(origin, b"1_0", root), "size"),
        malformed("size of 2^53", made(origin, b"9007199254740992", root), "size"),
        malformed("root in hex", made(origin, size, base64.b64decode(root).hex().encode()), "root"),
        malformed("root of 31 bytes", made(origin, size, base64.b64encode(bytes(31))), "root"),
        malformed("root without padding", made(origin, size, root.rstrip(b"=")), "root"),
        malformed("root with loose bits", made(origin, size, b"A" * 42 + b"B="), "root"),
        malformed("origin with a space", made(b"log example", size, root), "origin"),
        malformed("origin in capitals", made(origin.upper(), size, root), "origin"),
        malformed("carriage returns", note.replace(b"\n", b"\r\n")),
        malformed("no signature", text + b"\n\n"),
        malformed("no empty line", note.replace(b"\n\n", b"\n")),
        malformed("no newline at the end", note[:-1]),
        malformed("hyphen for the dash", note.replace("—".encode(), b"-")),
        malformed("two spaces in a signature line", note.replace("— ".encode(), "—  ".encode())),
        malformed("plus sign in a key name", note.replace(b"region.example", b"region+example")),
        malformed("signature without padding", note.replace(b"=\n", b"\n")),
        malformed("key id without a signature", text + b"\n\n" + "— name AAAAAA==\n".encode()),
        malformed("17 signatures", text + b"\n\n" + signatures.splitlines(keepends=True)[0] * 17),
        malformed("tab", note.replace(b"log.example", b"log\texample")),
        malformed("invalid UTF-8", note.replace(b"log.example", b"log\xffexample")),
        malformed("larger than 131,072 bytes", b"x" * 131_072 + note),
    ]  # fmt: skip


def keysnotes(log: Builder) -> list[Vector]:
    note = keys_note(2, entry_hash(log.texts[0]))
    text, _, signature = note.decode().partition("\n\n")
    lines = text.split("\n")

    def made(*changed: str) -> bytes:
        return ROOT.note("\n".join(changed) + "\n").encoded()

    def put(at: int, line: str) -> bytes:
        return made(*lines[:at], line, *lines[at + 1 :])

    vkey = COSIGNER.public.vkey
    return [
        accepted("keys note 2", note),
        accepted("keys note 1", keys_note(1, entry_hash(log.texts[0]))),
        accepted("revoked cosigner", made(*lines, f"revoked {vkey} since 1800000000")),
        malformed("another header", put(0, "muniment-keys/2")),
        malformed("origin in capitals", put(1, lines[1].upper())),
        malformed("number 0", put(2, "0")),
        malformed("number with a leading zero", put(2, "02")),
        malformed("no genesis", made(*lines[:3], *lines[4:])),
        malformed("genesis in capitals", put(3, "genesis " + "AB" * 32)),
        malformed("no log line", made(*lines[:4], lines[6])),
        malformed("first log line from 1", put(4, lines[4].replace("from 0", "from 1"))),
        malformed("log lines in descending order", made(*lines[:4], lines[5], lines[4], lines[6])),
        malformed("two log lines from one size", put(5, lines[5].replace("from 8", "from 0"))),
        malformed("a log key twice", put(5, lines[4].replace("from 0", "from 8"))),
        malformed("a log key of another name", put(5, f"log {ROOT.public.vkey} from 8")),
        malformed("a cosigner as a log key", put(5, f"log {vkey} from 8")),
        malformed("a log key as a cosigner", put(6, f"cosigner {LOG.public.vkey} from 0")),
        malformed("a cosigner twice", made(*lines, lines[6].replace("from 1", "from 2"))),
        malformed("a cosigner before a log key", made(*lines[:5], lines[6], lines[5])),
        malformed("revoked before a cosigner", made(*lines[:6], f"revoked {vkey} since 1800000000", lines[6])),
        malformed("revoked twice", made(*lines, *(f"revoked {vkey} since 1{n}00000000" for n in (8, 9)))),
        malformed("from for since", made(*lines, f"revoked {vkey} from 1800000000")),
        malformed("unknown line", made(*lines, f"witness {vkey} from 0")),
        malformed("key id that is not the key's", put(6, lines[6].replace(COSIGNER.public.key_id.hex(), "00000000"))),
        malformed("time with a sign", put(6, lines[6].replace("from ", "from +"))),
        malformed("two spaces", put(6, lines[6].replace("from ", "from  "))),
        malformed("empty line", made(*lines[:4], "", *lines[4:])),
        malformed("two signatures", note + signature.encode()),
    ]  # fmt: skip


def proofs(log: Builder) -> list[Vector]:
    row = [entry_hash(text) for text in log.texts]
    note, said = parse_signed_checkpoint(checkpoint(log.texts, 10))
    assert said.root == root_of(row)
    proof = TlogProof(5, tuple(trees.inclusion(5, row)), note, said)
    data, leaf = proof.text(), row[5].hex()
    first = base64.b64encode(proof.hashes[0])
    swapped = TlogProof(5, (*proof.hashes[1::-1], *proof.hashes[2:]), note, said).text()
    longer = TlogProof(5, (*proof.hashes, bytes(32)), note, said).text()
    return [
        accepted("proof of entry 5", data, leaf=leaf),
        given("another leaf", data, expect="failed", leaf=row[4].hex()),
        given("another index", data.replace(b"index 5", b"index 4"), expect="failed", leaf=leaf),
        given("index at the size", data.replace(b"index 5", b"index 10"), expect="failed", leaf=leaf),
        given("two hashes swapped", swapped, expect="failed", leaf=leaf),
        given("one hash more", longer, expect="failed", leaf=leaf),
        given("one hash less", data.replace(first + b"\n", b""), expect="failed", leaf=leaf),
        malformed("another header", data.replace(b"proof@v1", b"proof@v2")),
        malformed("extra line", data.replace(b"index", b"extra AAAA\nindex")),
        malformed("index with a leading zero", data.replace(b"index 5", b"index 05")),
        malformed("no index", data.replace(b"index 5\n", b"")),
        malformed("hash of 31 bytes", data.replace(first, base64.b64encode(bytes(31)))),
        malformed("hash with loose bits", data.replace(first, b"A" * 42 + b"B=")),
        malformed("no empty line", data.replace(b"\n\n", b"\n", 1)),
        malformed("no checkpoint", data.partition(b"\n\n")[0] + b"\n\n"),
    ]


def signatures() -> list[Vector]:
    message = b"muniment vector\n"
    public = LOG.public.public_key
    good = LOG.private.sign(message)
    scalar = bytearray(hashlib.sha512(hashlib.sha256(b"muniment test key vector log").digest()).digest()[:32])
    scalar[0] &= 248
    scalar[31] = scalar[31] & 63 | 64
    a = int.from_bytes(scalar, "little") % L
    identity = (1).to_bytes(32, "little")
    k = int.from_bytes(hashlib.sha512(identity + public + message).digest(), "little")
    s = int.from_bytes(good[32:], "little")

    def one(name: str, valid: bool, key: bytes, signature: bytes, text: bytes = message) -> Vector:
        return {
            "name": name,
            "valid": valid,
            "public_key": key.hex(),
            "signature": signature.hex(),
            "message": text.decode(),
        }

    return [
        one("good", True, public, good),
        one("another message", False, public, good, b"another\n"),
        one("another key", False, NEXT_LOG.public.public_key, good),
        one("one bit changed", False, public, bytes([good[0] ^ 1]) + good[1:]),
        one("S increased by the order of the group", False, public, good[:32] + (s + L).to_bytes(32, "little")),
        one("public key is the identity", False, identity, public + a.to_bytes(32, "little")),
        one("R is the identity", False, public, identity + (k * a % L).to_bytes(32, "little")),
        one("all zeros", False, bytes(32), bytes(64)),
        one("signature of 63 bytes", False, public, good[:-1]),
        one("signature of 65 bytes", False, public, good + b"\0"),
        one("by a stranger", False, public, STRANGER_LOG.private.sign(message)),
    ]
