"""The command line as a whole: every command is listed, explains itself, and fails in one sentence."""

import subprocess
import sys

import pytest

from muniment.cli.main import COMMANDS, GROUPS


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "muniment", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **environment},
        timeout=60,
    )


def test_every_command_stands_in_exactly_one_group_of_the_overview() -> None:
    listed = [name for _, names in GROUPS for name in names]
    assert sorted(listed) == sorted(COMMANDS)
    overview = run("--help").stdout
    assert all(f"\n  {name} " in overview for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    said = run(name, "--help")
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"Usage: python -m muniment {name}") or said.stdout.startswith(
        f"Usage: muniment {name}"
    )
    assert len(said.stdout.splitlines()) > 3


def test_an_unknown_command_is_named_and_exits_with_2() -> None:
    said = run("verfy")
    assert said.returncode == 2
    assert "verfy" in said.stderr


def test_a_refusal_is_one_sentence_and_no_traceback(tmp_path: object) -> None:
    said = run("keys", "list", MUNIMENT_HOME=str(tmp_path))
    assert said.returncode != 0
    assert "muniment up" in said.stderr
    assert "Traceback" not in said.stderr
