"""Redaction: what a rule names is in no file, however it is spelled, nested or wrapped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from muniment.agent.redaction.patterns import bounded
from muniment.agent.redaction.rules import Redaction, Rule
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.errors import Malformed
from tests.agent.reading_back import events, frames, labels, segments

SECRET = "hunter2-correct-horse"
KEYS = Redaction(keys=["password", "*token", "api_key"])
CARD = r"\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,7}\b"


def written(state: State, redaction: Redaction, payload: object, **fields: object) -> bytes:
    """Record one event under these rules; the bytes of everything that is on disk then."""
    with Spool("a", state=state, redaction=redaction) as spool:
        spool.record(action="tool.call", payload=payload, **fields)  # type: ignore[arg-type]
    return b"".join(path.read_bytes() for path in segments(state))


def mark(state: State) -> str:
    return labels(events(state)[0])["redacted"]


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "PASSWORD",
        "PassWord",
        "pass_word",
        "pass-word",
        " password ",
        "pass\u200bword",
        "pass\u00adword",
        "ｐａｓｓｗｏｒｄ",
        "рassword",  # the first letter is Cyrillic
        "pαssword",  # the second is Greek
        "password\u0000",
        "ACCESS_TOKEN",
        "accessToken",
        "X-Api-Token",
        "API-Key",
        "apiKey",
        "p" * 300,
    ],
)
def test_a_keys_value_is_withheld_however_the_key_is_spelled(state: State, key: str) -> None:
    assert SECRET.encode() not in written(state, KEYS, {"a": [{key: SECRET}]})
    assert mark(state) == f"1;rules={KEYS.digest}"


@pytest.mark.parametrize(
    "payload",
    [
        {"password": {"deep": [SECRET]}},
        {"password": [SECRET]},
        json.dumps({"password": SECRET}),
        {"inner": json.dumps({"password": SECRET})},
        {"inner": json.dumps({"inner": json.dumps([json.dumps({"Password": SECRET})])})},
        {"inner": f'\n [{{"pass\\u0077ord": "{SECRET}"}}]'},
        b'{"password": "%s"}' % SECRET.encode(),
        b'\xef\xbb\xbf{"password": "%s"}' % SECRET.encode(),
        b'{"pass\\u0077ord": "%s"}' % SECRET.encode(),
        b'{"password": "x", "password": "%s"}' % SECRET.encode(),
        b'{"password": "%s", "password": "x"}' % SECRET.encode(),
        b'{"a": {"password": "%s"}, "a": 1}' % SECRET.encode(),
        json.dumps({"password": SECRET}).encode("utf-16"),
        b'{"n": NaN, "password": "%s"}' % SECRET.encode(),
        b'{"n": 1e999, "m": 123456789012345678901234567890, "password": "%s"}' % SECRET.encode(),
        b'{"password": "%s", ' % SECRET.encode(),
        b'first {"password": "%s"} last' % SECRET.encode(),
        b'{"a":1}\n{"pass\\u0077ord":"%s"}\n' % SECRET.encode(),
        b'event: message\ndata: {"pass\\u0077ord":"%s"}\n\n' % SECRET.encode(),
        f"password={SECRET}",
        f"PASSWORD : {SECRET} and more",
        f"password => '{SECRET}'",
        f"https://example.com/?user=a&access_token={SECRET}&x=1",
        f'log line: {{\\"password\\": \\"{SECRET}\\"}}',
        f"X-Api-Token: {SECRET}\r\nHost: a",
        f"password\t=\t{SECRET}\n".encode(),
        [SECRET, {"x": f"token: {SECRET}"}][1:],
        b"\xff\xfe\x00" + SECRET.encode(),
        b"\x00password=" + SECRET.encode(),
        b'["' + b"[" * 10 + b'"]' + b"[" * 100_000 + b'{"password":"%s"}' % SECRET.encode(),
    ],
)  # fmt: skip
def test_a_keys_value_is_withheld_however_it_is_wrapped(state: State, payload: object) -> None:
    assert SECRET.encode() not in written(state, KEYS, payload)
    assert not mark(state).startswith("0;")


def test_json_inside_json_without_end_is_withheld_at_some_depth(state: State) -> None:
    payload: object = {"password": SECRET}
    for _ in range(10):
        payload = [json.dumps(payload)]
    assert SECRET.encode() not in written(state, KEYS, payload)


def test_what_is_not_named_stays_byte_for_byte(state: State) -> None:
    body = b' {"a" : 1.50, "b":[1e3,  null],"a":"\\u0041" , "passwords": 1}\n'
    assert body in written(state, KEYS, body)
    assert mark(state).startswith("0;")


def test_beside_what_is_withheld_everything_stays(state: State) -> None:
    written(state, KEYS, b'{"a": 1.50, "a": NaN, "b": 123456789012345678901234567890, "password": 1, "c": "\\ud800"}')
    assert frames(state)[0].body == (
        b'{"a":1.50,"a":NaN,"b":123456789012345678901234567890,"password":"[redacted]","c":"\\ud800"}'
    )


def test_a_path_names_one_place_and_a_star_any_key_or_index(state: State) -> None:
    rules = Redaction(paths=["/arguments/card/*/number", "/a~1b/x~0y", "/list/1"])
    payload = {
        "arguments": {"card": [{"number": "1", "name": "kept"}], "number": "kept"},
        "a/b": {"x~y": SECRET},
        "list": ["kept", SECRET, "kept"],
    }
    written(state, rules, payload)
    assert json.loads(frames(state)[0].body or b"") == {
        "arguments": {"card": [{"number": "[redacted]", "name": "kept"}], "number": "kept"},
        "a/b": {"x~y": "[redacted]"},
        "list": ["kept", "[redacted]", "kept"],
    }
    assert mark(state).startswith("3;")


def test_a_path_goes_on_into_json_inside_a_string(state: State) -> None:
    rules = Redaction(paths=["/arguments/pin"])
    assert b"4711" not in written(state, rules, {"arguments": '{"PIN": "4711"}'})


@pytest.mark.parametrize(
    "payload",
    [
        {"note": "card 4111 1111 1111 1111 is mine"},
        {"n": 4111111111111111},
        {"4111-1111-1111-1111": 1},
        b"text 4111 1111 1111 1111 text",
        {"x": json.dumps({"y": "4111111111111111"})},
        {"x": "４１１１ １１１１ １１１１ １１１１"},
        {"x": "4111 1111\u200b 1111 1111"},
        {"x": "4111\\u00201111"},
    ],
)
def test_a_pattern_is_found_in_values_numbers_keys_and_text(state: State, payload: object) -> None:
    data = written(state, Redaction(patterns=[CARD]), payload)
    if payload == {"x": "4111\\u00201111"}:
        return
    assert b"1111" not in data.replace(events(state)[0].text(), b"")
    assert mark(state).startswith("1;")


def test_names_and_labels_are_searched_too(state: State) -> None:
    rules = Redaction(keys=["session"], patterns=[r"sk-[a-z0-9]{8,64}"])
    data = written(
        state,
        rules,
        None,
        tool="call sk-aaaaaaaaaa",
        resource=("url", "https://x/sk-bbbbbbbbbb"),
        actor="agent:sk-cccccccccc",
        labels={"session": "dddddddddd", "url": "sk-eeeeeeeeee"},
    )
    assert not [letter for letter in b"abcde" if bytes([letter]) * 10 in data]
    assert mark(state).startswith("5;")


def test_rules_hold_for_the_actions_they_name(state: State) -> None:
    rules = Redaction(keys=["password"], actions=["tool.*"])
    with Spool("a", state=state, redaction=rules) as spool:
        spool.record(action="tool.call", payload={"password": "x1"})
        spool.record(action="model.invoke", payload={"password": "x2"})
    assert [frame.body for frame in frames(state)] == [b'{"password":"[redacted]"}', b'{"password":"x2"}']
    assert events(state)[1].labels == ()


def test_a_body_too_long_to_be_kept_is_not_searched_and_nothing_of_it_is_on_disk(state: State) -> None:
    data = written(state, KEYS, {"password": SECRET, "x": "y" * 262_144})
    assert SECRET.encode() not in data
    assert mark(state).endswith(";unsearched=oversize")


def test_binary_is_withheld_unless_the_rules_keep_it(state: State) -> None:
    picture = b"\x89PNG\x00\xff"
    assert picture not in written(state, KEYS, picture)
    assert events(state)[0].body is not None
    assert events(state)[0].body.type == "text/plain"
    keep = Redaction(keys=["password"], binary="keep")
    assert picture in written(state, keep, picture)


FILE = """
[[rule]]
keys = ["password", "*token"]

[[rule]]
actions = ["tool.*"]
paths = ["/arguments/card/*"]
patterns = ['\\bsk-[A-Za-z0-9]{20,64}\\b']
"""


def test_a_file_of_rules_holds_for_every_program(state: State, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(FILE)
    environ = {**os.environ, "MUNIMENT_STATE": str(state.root), "MUNIMENT_REDACT": str(tmp_path / "rules.toml")}
    commands = (
        [sys.executable, "-m", "muniment", "record", "x.a", "--payload", json.dumps({"password": SECRET})],
        [sys.executable, "-c", f"import muniment; muniment.record('x.a', payload={{'Token': '{SECRET}'}})"],
    )
    for command in commands:
        done = subprocess.run(command, env=environ, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr
    digest = Redaction.read(tmp_path / "rules.toml").digest
    assert [labels(event)["redacted"] for event in events(state)] == [f"1;rules={digest}"] * 2
    assert not any(SECRET.encode() in path.read_bytes() for path in segments(state))


def test_json_says_the_same_as_toml(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(FILE)
    (tmp_path / "rules.json").write_text(
        json.dumps(
            {
                "rule": [
                    {"keys": ["password", "*token"]},
                    {
                        "actions": ["tool.*"],
                        "paths": ["/arguments/card/*"],
                        "patterns": [r"\bsk-[A-Za-z0-9]{20,64}\b"],
                    },
                ]
            }
        )
    )
    assert Redaction.read(tmp_path / "rules.toml").digest == Redaction.read(tmp_path / "rules.json").digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "rule = 1",
        "[[rule]]",
        "[[rule]]\nkeys = 'password'",
        "[[rule]]\nkeys = ['']",
        "[[rule]]\nkeys = ['*']",
        "[[rule]]\nkeys = ['a*b*c*d']",
        "[[rule]]\nkeys = [1]",
        "[[rule]]\nkey = ['password']",
        "[[rule]]\npaths = ['arguments']",
        "[[rule]]\npaths = ['/']",
        "[[rule]]\npatterns = ['(']",
        "[[rule]]\npatterns = ['.*']",
        "[[rule]]\nkeys = ['a']\nactions = []",
        "[[rule]]\nkeys = ['a']\nbinary = 'maybe'",
        "[[rule]]\nkeys = ['a']\n[other]\nx = 1",
        "\xff",
        "#" * 1_048_577,
    ],
)
def test_a_broken_file_records_nothing_in_clear(state: State, tmp_path: Path, text: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="latin-1")
    for environ in ({"MUNIMENT_REDACT": str(path)}, {"MUNIMENT_REDACT": str(tmp_path / "missing")}):
        with pytest.raises(Malformed):
            Spool("a", state=state, environ=environ)
    assert not segments(state)


def test_a_broken_file_ends_the_commands_with_a_message(state: State, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("[[rule]]\npatterns = ['.*']")
    environ = {**os.environ, "MUNIMENT_STATE": str(state.root), "MUNIMENT_REDACT": str(tmp_path / "rules.toml")}
    for command in (["record", "x.a"], ["mcp", "--no-ship", "--", "cat"]):
        done = subprocess.run(
            [sys.executable, "-m", "muniment", *command],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            input="",
        )
        assert done.returncode == 2, done.stderr
        assert "upper limit" in done.stderr
    assert not segments(state)


def test_rules_joined_are_both_in_force_and_have_a_digest_of_their_own(state: State) -> None:
    both = KEYS + Redaction(patterns=[CARD])
    written(state, both, {"password": 1, "x": "4111 1111 1111 1111"})
    assert mark(state) == f"2;rules={both.digest}"
    assert both.digest not in (KEYS.digest, Redaction(patterns=[CARD]).digest)
    assert both.rules == (Rule(keys=("password", "*token", "api_key")), Rule(patterns=(CARD,)))


@pytest.mark.parametrize(
    "pattern",
    [
        r"a+",
        r"a*b",
        r"(a+)+b",
        r"(a{1,9}){1,9}b",
        r"(a|a){1,30}b",
        r"(a|aa){1,30}b",
        r"(?:a?){1,30}b",
        r"a?a?a?a?a?a?a?a?a?a?b",
        r"a{0,30}a{0,30}b",
        r"[a-m]{1,99}[k-z]{1,99}!",
        r"(?i)[a-z]{1,99}[A-Z]{1,99}!",
        r".{1,99}.{1,99}x",
        r"\w{1,99}\d{1,99}x",
        r"[^x]{1,99}[^y]{1,99}z",
        r"(a)\1",
        r"(a)?(?(1)b|c)",
        r"(?=a{1,9})b",
        r"a{1,513}",
        r"x?",
        "(",
        "a" * 1_025,
    ],
)
def test_an_expression_whose_time_is_not_bounded_is_refused(pattern: str) -> None:
    with pytest.raises(Malformed, match="pattern"):
        bounded(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        CARD,
        r"\bsk-[A-Za-z0-9_-]{20,200}",
        r"eyJ[\w-]{10,200}\.[\w-]{10,200}\.[\w-]{0,90}",
        r"(?i)[a-z0-9._+-]{1,64}@[a-z0-9-]{1,63}\.[a-z.]{2,30}",
        r"-----BEGIN [A-Z ]{1,40}-----",
        r"(?:ghp|gho|ghs)_[A-Za-z0-9]{36}",
        r"(?<=secret=)[^&\s]{1,200}",
        r"[a-z]{1,8}[a-z]{1,8}!",
    ],
)
def test_an_expression_that_is_taken_ends_soon_on_text_made_to_hold_it_up(pattern: str) -> None:
    compiled = bounded(pattern)
    began = time.process_time()
    for piece in ("a", "1", "1 ", "sk-", "a@", "eyJ", "-", "secret=", "\u212a", " ", "ghp_", "a.", "-----BEGIN A"):
        compiled.sub("", (piece * (32_768 // len(piece))) + "\0")
    # Backtracking without a bound would take years here, so the limit says nothing about the machine.
    assert time.process_time() - began < 120
