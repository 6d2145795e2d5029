"""The file of authorities: what is wrong in it is named."""

from pathlib import Path

import pytest

from muniment.anchors.authorities import Authorities, MalformedAuthorities, load_authorities
from muniment.core.errors import Malformed
from tests.support.tsa import Tsa

GOOD = """
every = "6h"
[[authority]]
name = "one"
url = "https://tsa.example.org/tsr"
pinned = "root.pem"
chain = "chain.pem"
policy = "1.2.3.4.1"
timeout = 5
crls = ["list.crl", "https://tsa.example.org/list.crl"]
[[authority]]
name = "two"
url = "http://tsa.example.net"
pinned = "root.pem"
"""


@pytest.fixture
def file(tsa: Tsa, tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(tsa.root_file.read_bytes())
    (tmp_path / "chain.pem").write_bytes((tsa.directory / "signer.pem").read_bytes())
    return tmp_path / "anchors.toml"


def test_authorities_are_read_with_their_certificates(file: Path, tsa: Tsa) -> None:
    file.write_text(GOOD)
    found = load_authorities(file)
    one, two = found.all
    assert found.every == 21_600
    assert (one.pinned, one.chain, one.policy, one.timeout) == ((tsa.root,), (tsa.signer,), "1.2.3.4.1", 5.0)
    assert one.crls == (str(file.parent / "list.crl"), "https://tsa.example.org/list.crl")
    assert (two.pinned, two.chain, two.policy, two.timeout, two.crls) == ((tsa.root,), (), None, 10.0, ())
    assert found.named("two") is two
    with pytest.raises(Malformed, match="there is no authority three; there are: one, two"):
        found.named("three")


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load_authorities(tmp_path / "anchors.toml") == Authorities((), 86_400)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('every = "6h"', 'every = "6 hours"', 'every: must be a time from "1m" to "365d"'),
        ('every = "6h"', 'every = "30s"', 'every: must be a time from "1m" to "365d"'),
        ('every = "6h"', "each = 1", "each: .* has no key of this name"),
        ('name = "two"', 'name = "one"', "authority.name: two authorities have one name"),
        ('name = "two"', 'name = "Two"', r"authority\[1\].name: must be lower-case"),
        ('url = "http://tsa.example.net"', "", r"authority\[1\].url: is missing"),
        ("http://tsa.example.net", "ftp://tsa.example.net", r"authority\[1\].url: must be an http or https address"),
        ("timeout = 5", "timeout = 500", r"authority\[0\].timeout: must be seconds from 1 to 120"),
        ("1.2.3.4.1", "1.2.x", r"authority\[0\].policy: must be an object identifier"),
        ('chain = "chain.pem"', 'chain = "none.pem"', r"authority\[0\].chain: there is no file .*none.pem"),
        ('chain = "chain.pem"', 'chain = "anchors.toml"', r"authority\[0\].chain: .* holds no PEM certificate"),
        ("timeout = 5", "retries = 5", r"authority\[0\].retries: is no key of an authority"),
        ("[[authority]]", "[authority", "is no TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(old: str, new: str, said: str, file: Path) -> None:
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(MalformedAuthorities, match=said):
        load_authorities(file)
