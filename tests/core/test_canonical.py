import json

import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from muniment.core.canonical import MalformedJson, dump_json, parse_json
from tests.core.strategies import damaged, json_values


@given(json_values)
def test_canonical_text_equals_rfc8785(value: object) -> None:
    assert dump_json(value) == rfc8785.dumps(value)


@given(json_values)
def test_what_was_written_is_read_back(value: object) -> None:
    assume(b"\\u0000" not in dump_json(value))
    assert parse_json(dump_json(value), max_depth=50) == value


def test_keys_are_ordered_by_utf16_units_as_rfc8785_prescribes() -> None:
    assert dump_json({"\ue000": 1, "\U00010000": 2}) == '{"\U00010000":2,"\ue000":1}'.encode()


@pytest.mark.parametrize("value", [None, True, 1.5, {1: 2}, {"a": {2}}, b"x", 2**53, -(2**53), "\ud800", {"\udfff": 1}])
def test_values_outside_the_format_are_not_written(value: object) -> None:
    with pytest.raises(MalformedJson):
        dump_json(value)


def test_nesting_without_end_is_not_written() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(MalformedJson):
        dump_json(endless)


REFUSED = {
    "duplicate key": b'{"a":1,"a":1}',
    "duplicate key after unescaping": b'{"a":1,"\\u0061":1}',
    "duplicate key further in": b'{"b":[{"a":1,"a":2}]}',
    "byte-order mark": b'\xef\xbb\xbf{"a":1}',
    "space before": b' {"a":1}',
    "newline after": b'{"a":1}\n',
    "second value": b'{"a":1}{}',
    "zero byte after": b'{"a":1}\x00',
    "invalid UTF-8": b'{"a":"\xff"}',
    "encoded surrogate": b'{"a":"\xed\xa0\x80"}',
    "overlong encoding": b'{"a":"\xc0\xaf"}',
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "lone high surrogate": b'{"a":"\\ud800"}',
    "lone low surrogate": b'{"a":"\\uDC00"}',
    "surrogates in the wrong order": b'{"a":"\\udc00\\ud800"}',
    "surrogate in a key": b'{"\\ud800":1}',
    "escaped zero": b'{"a":"\\u0000"}',
    "raw zero": b'{"a":"\x00"}',
    "raw newline": b'{"a":"\n"}',
    "fraction": b'{"a":1.0}',
    "exponent": b'{"a":1e3}',
    "integer of 2^53": b'{"a":9007199254740992}',
    "integer below -(2^53-1)": b'{"a":-9007199254740992}',
    "very long integer": b'{"a":' + b"9" * 5000 + b"}",
    "leading zero": b'{"a":01}',
    "plus sign": b'{"a":+1}',
    "true": b'{"a":true}',
    "false in an array": b'{"a":[false]}',
    "null": b'{"a":null}',
    "null alone": b"null",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "single quotes": b"{'a':1}",
    "comment": b'{"a":1/**/}',
    "trailing comma": b'{"a":1,}',
    "unknown escape": b'{"a":"\\x41"}',
    "unclosed string": b'{"a":"b}',
    "depth 7": b"[" * 7 + b"]" * 7,
    "depth 60000": b"[" * 60000,
    "depth in objects": b'{"a":' * 7 + b"1" + b"}" * 7,
    "nothing": b"",
    "too long": b'"' + b"a" * 65_534 + b'"',
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_strict_json_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedJson):
        parse_json(data)


ACCEPTED = {
    "depth 6": (b"[" * 6 + b"]" * 6, [[[[[[]]]]]]),
    "brackets inside a string are no nesting": (b'["[[[[[[[[{{{{{{{{"]', ["[[[[[[[[{{{{{{{{"]),
    "escaped quote before brackets": (b'["\\"[[[[[[[[[[["]', ['"[[[[[[[[[[[']),
    "surrogate pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "the word null inside a string": (b'{"null":"true"}', {"null": "true"}),
    "largest integer": (b"9007199254740991", 2**53 - 1),
    "spaces inside": (b'{ "a" : [ 1 ] }', {"a": [1]}),
}


@pytest.mark.parametrize(("data", "value"), ACCEPTED.values(), ids=ACCEPTED.keys())
def test_strict_json_is_read(data: bytes, value: object) -> None:
    assert parse_json(data) == value


def test_the_error_names_the_place() -> None:
    with pytest.raises(MalformedJson) as caught:
        parse_json(b'{"a":{"b":[1,null]}}')
    assert caught.value.where == "a.b[1]"


@given(st.binary(max_size=60) | damaged(b'{"a":[1,{"b":"c\\u0041"}],"d":"\xc3\xa9"}'))
def test_any_bytes_give_a_value_that_json_also_reads_or_malformed(data: bytes) -> None:
    try:
        value = parse_json(data)
    except MalformedJson:
        return
    assert json.loads(data) == value
