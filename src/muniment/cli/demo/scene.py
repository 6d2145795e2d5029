"""What the two agents are asked to do, and what their model answers."""

import sys
from pathlib import Path
from typing import Final

from muniment.cli.demo.agents.model import Say, call, playing
from muniment.cli.demo.stage import Stage

POLICY: Final = """\
[[rule]]
name = "read-only"
effect = "deny"
tools = ["git_add", "git_commit", "git_reset", "git_checkout", "git_create_branch"]
reason = "agents look at this repository and change nothing"
"""
"""What `muniment mcp --policy` is given."""


def work(stage: Stage, repository: Path, policy: Path) -> str:
    """Let the planner work: two calls that succeed, one that fails, one that is refused, one handed on to the analyst.

    Returns:
        The planner's last words.

    Raises:
        Refused: if a program of the scene fails.
    """
    path = str(repository)
    scripts: dict[str, tuple[Say, ...]] = {
        "planner": (
            call("git_status", repo_path=path),
            call("git_log", repo_path=path, max_count=3),
            call("git_show", repo_path=path, revision="no-such-revision"),
            call("git_reset", repo_path=path),
            call("ask_analyst", question="How many commits are there?"),
            Say("I may not tidy up here. The analyst has counted the commits."),
        ),
        "analyst": (call("count_commits"), Say("I counted the commits.")),
    }
    with playing(scripts) as model:
        arguments = [sys.executable, "-m", "muniment.cli.demo.agents.planner", model, path, str(policy)]
        # No ledger and no key: what runs with an agent writes spools and nothing else.
        environment = {**stage.environment, "MUNIMENT_AGENT": "planner-01", "MUNIMENT_WORKSPACE": "demo"}
        return stage.program(arguments, environment).stdout.strip()
