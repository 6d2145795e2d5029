"""`muniment ship`: send what the spools hold, and free it once proven."""

import logging
import os
import sys
import threading
import time

import click

from muniment.agent.shipping.client import LedgerClient, Unavailable
from muniment.agent.shipping.gatekeeper import Gatekeeper
from muniment.agent.shipping.shipper import Shipper
from muniment.agent.state import State

_POLL = 0.2
_LAST = 10.0


@click.command(
    epilog="Needs MUNIMENT_URL and MUNIMENT_KEY. Exit status: 0 everything is proven, 1 something is left or was "
    "refused, or the ledger contradicts what was proven before."
)
@click.option("--follow", is_flag=True, help="Go on for ever, shipping what comes; serves the gate.")
@click.option("--wait", default=60.0, show_default=True, metavar="SECONDS", help="How long to try without --follow.")
@click.option("--until-stdin-ends", is_flag=True, hidden=True)
def command(follow: bool, wait: float, until_stdin_ends: bool) -> None:
    """Send what the spools of this machine hold, have the ledger prove it, and free the space.

    Spools of running agents are shipped as far as they are written. Nothing is freed before a bundle from the ledger
    has been checked against what this machine knew of the log before (see `muniment known-logs`).

    With --follow it also answers programs that wait for the ledger before they act (mode gate), over a socket in the
    state directory that only this user can use.
    """
    logging.basicConfig(
        format="%(asctime)s muniment ship: %(message)s" if follow else "muniment: %(message)s",
        stream=sys.stderr,
        level=logging.WARNING,
    )
    state = State.find()
    ledger = LedgerClient.from_environment(os.environ)
    shipper = Shipper(state, ledger, os.environ)
    try:
        if follow:
            ended = threading.Event()
            if until_stdin_ends:
                threading.Thread(target=_wait_for_end, args=(ended,), daemon=True).start()
            _follow(shipper, Gatekeeper(state, ledger), ended)
        settled = shipper.drain(time.monotonic() + (_LAST if follow else wait))
    finally:
        shipper.close()
        ledger.close()
    gaps = shipper.gaps
    if not follow:
        click.echo(
            f"{shipper.proven} events proven, {gaps.refused} refused, {gaps.lost} damaged places, "
            f"{shipper.freed} segments freed"
        )
        if not settled:
            click.echo("something is left in the spools; run `muniment ship` again", err=True)
    sys.exit(0 if settled and not gaps.refused and not gaps.lost else 1)


def _follow(shipper: Shipper, keeper: Gatekeeper, ended: threading.Event) -> None:
    try:
        while not ended.is_set():
            try:
                _open_gate(keeper)
                shipper.run_pass()
                ended.wait(_POLL)
            except Unavailable as error:
                shipper.back_off(error)
    finally:
        keeper.close()


def _open_gate(keeper: Gatekeeper) -> None:
    """Tried with each pass: the shipper that served until now may have ended."""
    try:
        keeper.serve()
    except OSError as error:
        # Shipping goes on; whoever asks at the gate is told that nobody answers.
        logging.getLogger("muniment.ship").warning("the gate cannot be opened: %s", error)


def _wait_for_end(ended: threading.Event) -> None:
    while os.read(0, 4096):
        pass
    ended.set()
