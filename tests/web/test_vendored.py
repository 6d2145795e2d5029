"""What was taken from others is what its list says, with its licence, and names no registry."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import muniment.server.web

STATIC = Path(muniment.server.web.__file__).parent / "static"
VENDOR = STATIC / "vendor"
LISTED = tomllib.loads((VENDOR / "VENDORED.toml").read_text())
REGISTRIES = (
    ".".join(("registry", "npmjs", "org")),
    ".".join(("npmjs", "com")),
    ".".join(("unpkg", "com")),
    ".".join(("jsdelivr", "net")),
)


def test_the_list_names_every_vendored_folder() -> None:
    assert {folder.name for folder in VENDOR.iterdir() if folder.is_dir()} == set(LISTED)


@pytest.mark.parametrize("folder", sorted(LISTED))
def test_every_file_has_the_digest_that_is_listed(folder: str) -> None:
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (VENDOR / folder).iterdir()}
    assert found == LISTED[folder]["sha256"]


@pytest.mark.parametrize("folder", sorted(LISTED))
def test_each_has_a_version_a_licence_a_source_and_the_licence_text(folder: str) -> None:
    entry = LISTED[folder]
    assert re.fullmatch(r"\d+\.\d+\.\d+", entry["version"])
    assert entry["licence"] in {"0BSD", "MIT", "Apache-2.0", "OFL-1.1"}
    assert entry["source"].startswith("npm: ")
    assert len((VENDOR / folder / "LICENSE").read_text()) > 500


def test_no_static_file_names_a_registry_or_a_source_map() -> None:
    for file in STATIC.rglob("*"):
        if file.suffix in {".js", ".css", ".toml", ".svg"}:
            text = file.read_text()
            assert "sourceMappingURL" not in text, file
            assert not [name for name in REGISTRIES if name in text], file


def test_styles_name_their_fonts_by_content() -> None:
    """A font's address in the style sheet carries the same name of its content that `{% asset %}` would give it."""
    styles = (STATIC / "muniment" / "font.css").read_text()
    named = re.findall(r'url\("\.\./vendor/([^"?]+)\?v=([0-9a-f]{16})"\)', styles)
    assert len(named) == 4
    for path, version in named:
        assert hashlib.sha256((VENDOR / path).read_bytes()).hexdigest().startswith(version), path
