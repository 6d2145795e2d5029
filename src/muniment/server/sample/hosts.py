"""What happens to the sample company's hosts: deployments, crashes, logins, channels between agents."""

from typing import Any

from muniment.server.sample.happening import Happening, Thread

_WEB = ("system", "host:web-01")
_BUILD = ("system", "host:build-01")


def deployment(thread: Thread, change: dict[str, Any], engineer: str, generation: int) -> None:
    """A change goes to production; if it breaks the service, the watchdog restarts it and the agent goes back."""
    me, host = "deploy-04", "host-web-01"
    start = thread.tell(
        me,
        "agent.start",
        workspace="wks-stage",
        resource=("change", change["name"]),
        payload={"task": f"roll out {change['name']}"},
    )
    built = thread.tell(
        "ci",
        "x.build.finish",
        actor=("service", "service:build-pipeline"),
        resource=("commit", f"{thread.dice.getrandbits(80):020x}"),
        labels={"branch": "main", "tests": str(thread.dice.randint(812, 830))},
        traced=False,
    )
    changed = thread.tell(
        me,
        "config.change",
        actor=("user", engineer),
        causes=(start, built),
        resource=("file", change["file"]),
        workspace="wks-stage",
        labels={"env": "prod"},
        payload={"reason": change["reason"], "file": change["file"]},
    )
    last = _switch(thread, host, generation, changed)
    if change["fails"]:
        thread.wait(20, 60)
        crash = thread.tell(
            host,
            "process.crash",
            actor=_WEB,
            outcome="failure",
            causes=(last,),
            resource=("unit", "prices.service"),
            workspace="wks-prod",
            labels={"exit.code": "139"},
            payload={"signal": "SIGSEGV", "unit": "prices.service"},
            traced=False,
        )
        thread.wait(1, 2)
        restarted = thread.tell(
            host,
            "watchdog.restart",
            actor=_WEB,
            causes=(crash,),
            resource=("unit", "prices.service"),
            workspace="wks-prod",
            labels={"attempt": "1"},
            traced=False,
        )
        checked = thread.call(
            me,
            "health.check",
            {"service": "prices"},
            {"error": "p99 above 2 s"},
            causes=(restarted,),
            outcome="failure",
        )
        back = thread.tell(
            me,
            "config.change",
            causes=(checked,),
            resource=("file", change["file"]),
            workspace="wks-stage",
            labels={"env": "prod", "revert": "true"},
            payload={"reason": "the service does not hold up: go back"},
        )
        last = _switch(thread, host, generation - 1, back)
    good = thread.call(me, "health.check", {"service": "all"}, {"healthy": True}, causes=(last,))
    thread.tell(
        me,
        "agent.finish",
        outcome="failure" if change["fails"] else "success",
        causes=(good,),
        workspace="wks-stage",
        resource=("change", change["name"]),
    )


def _switch(thread: Thread, host: str, generation: int, cause: Happening) -> Happening:
    thread.wait(20, 90)
    switched = thread.tell(
        host,
        "nixos.switch",
        actor=_WEB,
        causes=(cause,),
        resource=("generation", str(generation)),
        workspace="wks-prod",
        labels={"host": "web-01"},
        payload={"from": generation - 1, "to": generation},
        traced=False,
    )
    for unit in ("checkout.service", "prices.service"):
        stopped = thread.tell(
            host,
            "process.exit",
            actor=_WEB,
            causes=(switched,),
            resource=("unit", unit),
            workspace="wks-prod",
            labels={"exit.code": "0"},
            traced=False,
        )
        switched = thread.tell(
            host,
            "process.start",
            actor=_WEB,
            causes=(stopped,),
            resource=("unit", unit),
            workspace="wks-prod",
            payload={"argv": [f"/run/current-system/sw/bin/{unit.partition('.')[0]}", "--serve"]},
            traced=False,
        )
    return switched


def session(thread: Thread, person: str, *, host: str = "host-web-01", strangers: int = 0) -> None:
    """Somebody logs in by SSH and looks at a file; before that, strangers are turned away."""
    place, machine = ("wks-prod", _WEB) if host == "host-web-01" else ("wks-stage", _BUILD)
    for _ in range(strangers):
        thread.tell(
            host,
            "session.open",
            actor=("session", f"ssh:203.0.113.{thread.dice.randint(2, 250)}"),
            outcome="denied",
            resource=("account", thread.dice.choice(["root", "admin", "postgres", "ubuntu"])),
            workspace=place,
            labels={"method": "password"},
            traced=False,
        )
        thread.wait(2, 30)
    opened = thread.tell(
        host,
        "session.open",
        actor=("user", person),
        resource=("account", "operator"),
        workspace=place,
        labels={"method": "publickey"},
        traced=False,
    )
    thread.wait(5, 60)
    read = thread.tell(
        host,
        "file.access",
        actor=("user", person),
        causes=(opened,),
        resource=("file", "/etc/checkout/config.toml"),
        workspace=place,
        labels={"mode": "read"},
        traced=False,
    )
    if thread.dice.random() < 0.4:
        thread.tell(
            host,
            "file.access",
            actor=("user", person),
            outcome="denied",
            causes=(read,),
            resource=("file", "/etc/shadow"),
            workspace=place,
            labels={"mode": "read"},
            traced=False,
        )
    thread.wait(30, 600)
    thread.tell(
        host,
        "session.close",
        actor=("user", person),
        causes=(opened,),
        resource=("account", "operator"),
        workspace=place,
        traced=False,
    )
    if machine is _BUILD:
        thread.tell(
            host,
            "config.change",
            actor=_BUILD,
            causes=(read,),
            resource=("file", "/etc/nix/nix.conf"),
            workspace=place,
            payload={"reason": "more build jobs"},
            traced=False,
        )


def boot(thread: Thread) -> None:
    """A workspace's host boots and its agents open their channels; one of them presents a key nobody knows."""
    booted = thread.tell(
        "host-build-01",
        "workspace.boot",
        actor=_BUILD,
        resource=("host", "build-01"),
        workspace="wks-stage",
        payload={"kernel": "6.12.4", "measured": "passed"},
        traced=False,
    )
    for agent, outcome in (("research-01", "success"), ("deploy-04", "success"), ("unknown-77", "denied")):
        thread.tell(
            "mesh-gateway",
            "mesh.connect",
            actor=("agent", f"agent:{agent}"),
            outcome=outcome,
            causes=(booted,),
            resource=("agent", "agent:support-03"),
            workspace="wks-prod",
            labels={"cipher": "x25519-mlkem768"},
            traced=False,
        )
