"""Rules that every template, style and script of the web application keeps, whoever wrote it."""

import re
from pathlib import Path

import pytest

import muniment.server

SERVER = Path(muniment.server.__file__).parent
TEMPLATES = sorted(SERVER.glob("**/templates/**/*.html"))
STYLES = sorted(SERVER.glob("**/static/**/*.css"))
SCRIPTS = sorted(file for file in SERVER.glob("**/static/**/*.js") if "vendor" not in file.parts)

FORBIDDEN = {
    "an inline script": r"<script(?![^>]*\b(?:src=|type=\"application/json\"))[^>]*>",
    "an inline style": r"\sstyle\s*=",
    "a style element": r"<style\b",
    "an event handler": r"\son[a-z]+\s*=",
    "htmx code in an attribute": r"\bhx-on\b|hx-vals\s*=\s*['\"]js:|hx-headers\s*=\s*['\"]js:",
    "text that cotton would evaluate": r"\s:[a-z][a-z_-]*\s*=\s*['\"][^'\"]*\{[{%]",
    "an address elsewhere": r"(?:src|href)\s*=\s*['\"](?:https?:)?//(?!www\.w3\.org)",
    "the script address javascript:": r"javascript:",
}


def relative(file: Path) -> str:
    return str(file.relative_to(SERVER))


@pytest.mark.parametrize("rule", sorted(FORBIDDEN))
def test_no_template_holds(rule: str) -> None:
    pattern = re.compile(FORBIDDEN[rule], re.IGNORECASE)
    found = [(relative(file), match.group(0)) for file in TEMPLATES for match in pattern.finditer(file.read_text())]
    assert TEMPLATES
    assert not found


def test_every_asset_that_a_template_names_is_there() -> None:
    named = {
        (path, relative(file))
        for file in TEMPLATES
        for path in re.findall(r"{%\s*asset\s+['\"]([^'\"]+)['\"]", file.read_text())
    }
    roots = list(SERVER.glob("**/static"))
    missing = [entry for entry in named if not any((root / entry[0]).is_file() for root in roots)]
    assert len(named) > 20
    assert not missing


def test_every_icon_that_is_named_is_drawn() -> None:
    sprite = (SERVER / "web/templates/muniment/sprite.html").read_text()
    drawn = set(re.findall(r'id="icon-([a-z]+)"', sprite))
    used = {
        name
        for file in TEMPLATES
        for name in re.findall(r"{%\s*icon\s+['\"]([a-z-]+)['\"]|<c-[a-z-]+[^>]*\sicon=\"([a-z-]+)\"", file.read_text())
        for name in name
        if name
    }
    assert used <= drawn, used - drawn


@pytest.mark.parametrize("file", STYLES, ids=relative)
def test_a_style_sheet_is_short_and_takes_its_colours_from_the_tokens(file: Path) -> None:
    text = file.read_text()
    assert len(text.splitlines()) < 400
    assert "@import" not in text
    if file.name != "tokens.css":
        assert not re.findall(r"#[0-9a-f]{3,8}\b(?![^{]*\{)", text.replace("#ffffff", ""), re.IGNORECASE)


@pytest.mark.parametrize("file", SCRIPTS, ids=relative)
def test_a_script_neither_evaluates_text_nor_writes_markup(file: Path) -> None:
    text = file.read_text()
    for forbidden in ("eval(", "new Function", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"):
        assert forbidden not in text, forbidden
