"""Ways to get a secret past the rules, each of which fails; and those that do not, which stand on the page."""

from __future__ import annotations

import base64
import json
import time
import urllib.parse

import pytest

from muniment.agent.payload import encode_payload
from muniment.agent.redaction.plaintext import named_values
from muniment.agent.redaction.rules import Redaction
from muniment.agent.redaction.searching import Findings

SECRET = "hunter2-correct-horse"
RULES = Redaction(keys=["password", "*token", "api_key"], patterns=[r"sk-[A-Za-z0-9]{8,64}"])
HIDDEN = json.dumps({"password": SECRET})


def searched(payload: object, rules: Redaction = RULES) -> tuple[str, int]:
    """The body as it would be recorded, and how much of it was withheld."""
    body, kind = encode_payload(payload)
    findings = Findings()
    clean, _ = rules.body("tool.call", body, kind, findings)
    return clean.decode("utf-8", "surrogatepass"), findings.count


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "key",
    [
        "pa\u0301ssword",
        "p\u00e1ssword",
        "pass\u3164word",
        "pass\u2800word",
        "pass\ufe0fword",
        "pass\U000e0041word",
        "\u202epassword",
        "\u24df\u24d0\u24e2\u24e2\u24e6\u24de\u24e1\u24d3",
        "\U0001d429\U0001d41a\U0001d42c\U0001d42c\U0001d430\U0001d428\U0001d42b\U0001d41d",
        "pa\u017f\u017fword",
        "passw\u0585rd",
        "\u13e2assword",
        "\u1d18assword",
        "РАЅЅWОRD",
        "api\uff3fkey",
    ],
)
def test_letters_that_only_look_like_the_names(key: str) -> None:
    text, count = searched({key: SECRET})
    assert (SECRET in text, count) == (False, 1)


@pytest.mark.parametrize(
    "payload",
    [
        f"password: |\n  {SECRET}\nother: 1",
        f"password: >-\n\n  {SECRET}\n",
        f"password:\n  {SECRET}",
        f"password:\n- {SECRET}",
        f"  password:\n    a:\n      b: {SECRET}\n  other: 1",
        f"password: first\n  {SECRET}",
        f"password=abc,{SECRET}",
        f"password=abc&{SECRET}",
        f'password="abc\n{SECRET}"',
        f'x password="ab\\"{SECRET}"',
        f"password='{SECRET}",
        f"{{'password': ['abc', '{SECRET}']}}",
        f'{{"password":["a","{SECRET}"],}}',
        f'cb({{"password":["]","{SECRET}"]}})',
        f'Result:\n{{\n "password": {{\n  "a": "{SECRET}"\n }}\n}}\n done',
        f'Result:\n{{"password": [\n["{SECRET}"]\n]}}\n',
        f'{{"a":1}}{{"password":["a","{SECRET}"]}}',
        {"content": [{"type": "text", "text": f'```json\n{{\n"password": {{\n"x":"{SECRET}"}}}}\n```'}]},
        f'{{"a":"password:"}}\n  password={SECRET}',
        f'log {{\\"password\\": [\\"]\\", \\"{SECRET}\\"]}}',
        f"password\u2028=\u2028{SECRET}",
        f"password\uff1d{SECRET}",
        f"password\uff1a {SECRET}",
        f"pass%77ord={SECRET}",
        f"user[password]={SECRET}",
        f"mysql --password {SECRET} -h a",
        f"mysql --password '{SECRET} and more'",
        f"tool -api-key {SECRET}",
        f"<password>{SECRET}</password>",
        f"<ns:password a='1'><![CDATA[{SECRET}]]></ns:password>",
        f"<password>{SECRET}",
        f'{{"pass\\u0077ord": "{SECRET}", ',
    ],
)
def test_a_named_value_in_text_is_withheld_as_far_as_it_reaches(payload: object) -> None:
    text, count = searched(payload)
    assert SECRET not in text
    assert count >= 1


@pytest.mark.parametrize(
    "payload",
    [
        ["mysql", "--password", SECRET],
        [["api_key", SECRET]],
        [{"name": "X-Api-Token", "value": SECRET}],
        {"Key": "password", "data": {"deep": [SECRET]}},
        {"env": [{"value": SECRET, "name": "DB_PASSWORD"}, {"name": "api_key", "Value": SECRET}][1:]},
        {HIDDEN: 1},
        {f"password={SECRET}": 1},
    ],
)
def test_a_name_that_stands_beside_its_value(payload: object) -> None:
    text, count = searched(payload)
    assert SECRET not in text
    assert count >= 1


@pytest.mark.parametrize(
    "hidden",
    [
        encoded(HIDDEN),
        encoded(HIDDEN).rstrip("="),
        base64.urlsafe_b64encode(HIDDEN.encode()).decode(),
        "\n".join([encoded(HIDDEN)[:20], encoded(HIDDEN)[20:]]),
        f"data:application/json;base64,{encoded(HIDDEN)}",
        HIDDEN.encode().hex(),
        f"0x{HIDDEN.encode().hex()}",
        encoded(encoded(HIDDEN)),
        encoded(json.dumps({"inner": encoded(f"password={SECRET}")})),
        encoded("the key is sk-AAAABBBBCCCC"),
    ],
)
def test_a_string_that_is_base64_or_hex_as_a_whole_is_read_and_withheld(hidden: str) -> None:
    for payload in (hidden, {"data": hidden}, [json.dumps({"data": hidden})]):
        text, count = searched(payload)
        assert hidden[:20] not in text
        assert count == 1


def test_base64_without_end_is_withheld_at_some_depth() -> None:
    hidden = HIDDEN
    for _ in range(12):
        hidden = encoded(hidden)
    assert searched({"data": hidden}) == ('{"data":"[redacted]"}', 1)


@pytest.mark.parametrize(
    "text",
    [
        "ѕk-AAAABBBBCCCC",
        "sk-AAAA\u200bBBBBCCCC",
        "ｓk-AAAABBBBCCCC",
        "sk-A\u0301AAABBBBCCCC",
        'broken {"a":"sk-\\u0041AAABBBBCCCC" ',
    ],
)
def test_a_pattern_is_found_in_what_the_text_looks_like(text: str) -> None:
    clean, count = searched({"a": text})
    assert ("BBBBCCCC" in clean, count) == (False, 1)


def test_a_secret_is_found_wherever_in_a_long_body_it_stands() -> None:
    """There are no chunks whose edges could cut it."""
    for place in (0, 1, 4_095, 4_096, 65_535, 65_536, 131_071, 262_144 - 40):
        text = "." * place + f" password={SECRET} "
        assert SECRET not in searched(text)[0]
        assert "AAAABBBB" not in searched("." * place + " sk-AAAABBBBCCCC ")[0]


@pytest.mark.parametrize(
    "payload",
    [
        {"password_hint": "a", "tokens": 3, "note": "my password is long"},
        "user=a, mode=b; x=1\nkey: value\n",
        ["user", "name"],
        {"name": "limit", "value": 3},
        "c2hvcnQgdGV4dCB3aXRob3V0IHNlY3JldHM=",
        "deadbeefdeadbeefdeadbeefdeadbeef",
        "<p>password</p>",
    ],
)
def test_what_is_not_named_stays(payload: object) -> None:
    body, _ = encode_payload(payload)
    assert searched(payload) == (body.decode(), 0)


def test_what_follows_a_withheld_value_stays() -> None:
    assert searched(b"a=1&password=x&b=2\nc: 3\n")[0] == "a=1&password=[redacted]&b=2\nc: 3\n"
    assert searched(b'{"password": ["x", {"y": "]"}], "b": 2,}')[0] == '{"password": [redacted], "b": 2,}'
    assert searched(b"run --password x --level 3")[0] == "run --password [redacted] --level 3"
    assert searched(b"password: |\n  x\n  y\nnext: 1\n")[0] == "password: [redacted]\nnext: 1\n"


@pytest.mark.parametrize(
    "payload",
    [
        {"a": ["sk-AAAA", "BBBBCCCC"]},
        f"user,password\nbob,{SECRET}",
        {"passw0rd": SECRET},
        f"my secret word is {SECRET}",
        f"first {encoded(HIDDEN)} last",
        urllib.parse.quote(urllib.parse.quote(HIDDEN)),
        SECRET[::-1],
    ],
)
def test_what_the_page_says_is_not_seen_is_not_seen(payload: object) -> None:
    assert searched(payload)[1] == 0


@pytest.mark.parametrize(
    "piece",
    [
        "password=", "password: [", 'password:"', "<password>", "<password ", "-password ", "-a.", "--a-", "%41", "a,",
        ",", "a=", "password:\n ", "\\u0061", "\\", '{"a":1}\n', "password:\\'", "QUJD", "]", "\n",
    ],
)  # fmt: skip
def test_text_made_to_hold_the_search_up_is_searched_soon(piece: str) -> None:
    text = piece * (262_000 // len(piece))
    began = time.process_time()
    list(named_values(text, lambda name: name == "password"))
    searched(text)
    # A search that looks at the rest of the text again for every place would take hours.
    assert time.process_time() - began < 60
