"""`muniment verify --page` gives an auditor the page to keep."""

from pathlib import Path

from click.testing import CliRunner

from muniment.cli.verify import command
from muniment.verifier.browser.page import verifier_page


def test_the_page_is_written_and_nothing_else_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "verify.html"
    result = CliRunner().invoke(command, ["--page", str(path)])
    assert result.exit_code == 0, result.output
    assert path.read_bytes() == verifier_page()


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "verify.html"
    path.write_text("mine")
    result = CliRunner().invoke(command, ["--page", str(path)])
    assert result.exit_code == 2
    assert "cannot be written" in result.output
    assert path.read_text() == "mine"
