"""An exception: asked for, decided on by somebody else, and proven from a bundle."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from muniment.cli.demo.people import Person
from muniment.cli.demo.stage import Stage, shown
from muniment.core.errors import Refused


def decision(stage: Stage) -> Path:
    """From a draft to the bundle of all that was recorded about it."""
    ada = Person(stage.setup_link, "Ada", "ada@example.org")
    roles = [one["id"] for one in ada.done("GET", "/api/roles")["roles"] if one["code"] == "approver"]
    invited = ada.done("POST", "/api/invitations", email="ben@example.org", roles=roles)
    ben = Person(str(invited["link"]), "Ben")
    try:
        exception = _decided(ada, ben)
    finally:
        ada.close()
        ben.close()
    stage.wait("the decision to be sealed", stage.all_sealed)
    bundle = stage.folder / "decision.bundle"
    shown("muniment export --resource exc_… --output decision.bundle")
    stage.run("export", "--resource", exception, "--output", str(bundle), scope="read")
    return bundle


def _decided(ada: Person, ben: Person) -> str:
    today = datetime.now(UTC).date()
    policy = ada.done(
        "POST",
        "/api/policies",
        title="Changes are reviewed",
        text="Somebody else looks at each change before it is merged.",
        owner="ada@example.org",
        effective_on=str(today),
    )
    asked = ada.done(
        "POST",
        "/api/exceptions",
        title="Agents commit without a review",
        policy=policy["id"],
        scope="The repository of the demonstration.",
        reason="Nobody is there at night.",
        risk_level="low",
        residual_risk="A change that nobody looked at reaches the main branch.",
        controls=["soc2:CC8.1"],
        expires_on=str(today + timedelta(days=30)),
    )
    where = f"/api/exceptions/{asked['id']}"
    ada.done("POST", f"{where}/submit")
    click.echo("  Two people, each with a password and a second factor; pages and API call the same services:\n")
    click.echo(f"    Ada asks for {asked['id']}: {asked['title']}, until {asked['expires_on']}")
    own = ada.ask("POST", f"{where}/decide", outcome="approve", comment="Fine by me.")
    if own.status_code != 422:
        raise Refused(f"her own approval was answered with {own.status_code}: {own.text}", "demo")
    click.echo(f"    Ada approves it herself   ⊘ REFUSED: {own.json()['detail']}")
    done = ben.done("POST", f"{where}/decide", outcome="approve", comment="Until the end of the month, no longer.")
    click.echo(f"    Ben approves it           it is {done['state']}; what he saw is frozen under its hash\n")
    return str(asked["id"])
