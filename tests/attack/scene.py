"""Everybody who looks at a log under attack: each observer says by which check it catches what was done."""

import io
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from muniment.agent.shipping.client import RequestRefused
from muniment.agent.shipping.proving import Behind, LedgerContradicts, Promise, Prover
from muniment.core.errors import Malformed, VerificationFailed
from muniment.ledger.audit import check_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.export import BundleRequest, write_bundle
from muniment.ledger.proofs import NotSealed
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options, verify_file
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Report
from muniment.verifier.standalone import muniment_verify
from tests.attack.installation import Installation
from tests.attack.lines import compose
from tests.attack.rewriting import Backup
from tests.ledger.seal_world import NOW

FIRST, PINNED, KNOWN, SIZE = 14, 24, 34, 38
"""Sizes: the oldest checkpoint; the one that auditor and agent hold; the newest, which a client has verified; the log
with its unsealed end."""
EARLY, LATE, UNSEEN = 10, 28, 36
"""Entries: under the auditor's checkpoint; after it, under the newest one; under none."""

Caught = frozenset[str]


@dataclass
class Scene(Installation):
    """A log sealed at `FIRST`, `PINNED` and `KNOWN`, and its observers.

    Attributes:
        known: the known logs of a client, `agent_known` those of the agent's machine.
        agent_known: see `known`.
        head_at: the sealer's file as it was at two sizes.
        backup: of the database, at `PINNED`.
        held: the checkpoint that the auditor keeps.
        refusal: why the sealer refused last.
    """

    refusal: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.known = KnownLogs(self.directory / "client" / "known-logs")
        self.agent_known = KnownLogs(self.directory / "agent" / "known-logs")
        self.record(FIRST - self.world.first)
        self.seal()
        self.head_at = {FIRST: self.world.heads.read(self.origin)}
        self.record(PINNED - FIRST)
        self.seal()
        self.head_at[PINNED] = self.world.heads.read(self.origin)
        with self.owned() as conn:
            self.backup = Backup(conn, self.world.log)
        self.held = PinnedCheckpoint(*self.checkpoint_of(self.head_at[PINNED]))
        self.ship(range(self.world.first, PINNED))
        self.record(KNOWN - PINNED)
        self.seal()
        self.client(self.export())
        self.record(SIZE - KNOWN)

    def close(self) -> None:
        self.world.close()

    def sealer(self) -> Caught:
        """The sealer, when the next event has come."""
        with suppress(psycopg.Error):
            self.world.append(submissions=[self.submission()])
        refused = self.world.round().refused
        self.refusal = "; ".join(map(str, refused))
        return frozenset({"refuses"} if refused else ())

    def walk(self) -> Caught:
        """The audit walk in the database, with the root pinned and the sealer's last head at hand."""
        pins = Pins(genesis=self.world.genesis, root=self.world.ring.root_verifier())
        with self.database.connect("auditor", autocommit=True) as conn:
            report = check_log(conn, self.world.tenant, self.world.log, pins=pins, heads=self.world.heads)[1]
        return failed(report)

    def export(self) -> bytes:
        """What the installation hands over; where it refuses, what an attacker makes of the same rows."""
        stream = io.BytesIO()
        try:
            with tenant_transaction(self.world.conn, self.world.tenant):
                write_bundle(self.world.conn, BundleRequest(self.world.log, self.origin, every_checkpoint=True), stream)
        except (Malformed, VerificationFailed, NotSealed):
            return compose(self.material())
        return stream.getvalue()

    def pins(self, checkpoint: PinnedCheckpoint | None = None) -> Pins:
        return Pins(self.origin, self.world.genesis, self.world.ring.root_verifier(), checkpoint)

    def first_look(self, bundle: bytes) -> Caught:
        """`muniment verify` by somebody who pinned the log and the root key and has never seen a checkpoint."""
        return failed(verify_bundle(io.BytesIO(bundle), self.pins(), workers=1))

    def auditor(self, bundle: bytes) -> Caught:
        """`muniment verify` by an auditor who holds the checkpoint of `PINNED` as well."""
        return failed(verify_bundle(io.BytesIO(bundle), self.pins(self.held), workers=1))

    def standalone(self, bundle: bytes) -> Caught:
        """The single-file verifier with the same pins."""
        path = self.directory / "handed-over.bundle"
        path.write_bytes(bundle)
        pins = muniment_verify.Pins(
            self.origin,
            self.world.genesis.hex(),
            muniment_verify.read_vkey(self.world.ring.root_verifier().vkey, 1),
            muniment_verify.Checkpoint(self.origin, self.held.size, self.held.root),
        )
        found = muniment_verify.verify(str(path), pins)
        names = frozenset(check["name"] for check in found["checks"] if check["state"] == "failed")
        assert bool(names) == (found["verdict"] != "verified"), found
        return names

    def client(self, bundle: bytes) -> Caught:
        """A client without any pin that has verified the log up to `KNOWN` before, and fetches it again."""
        path = self.directory / "fetched.bundle"
        path.write_bytes(bundle)
        known = self.known.get(self.origin)
        pins = self.pins() if known is None else Pins()
        options = Options(pins, self.known, NOW * 1_000_000, workers=1, expected_live=True)
        return failed(verify_file(path, options))

    def ship(self, places: Sequence[int]) -> None:
        """The agent's shipper proves its own events before it gives its spool free.

        Raises:
            LedgerContradicts, Behind: the spool is kept.
        """
        promises = [self._promise(seq) for seq in places]
        evidence = self.directory / "agent" / "evidence"
        pin = {"root": self.world.ring.root_verifier().vkey, "genesis": self.world.genesis.hex()}
        Prover(self, self.agent_known, {"MUNIMENT_PIN": json.dumps(pin)}, evidence).prove(self.origin, promises)

    def shipper(self, places: Sequence[int] = range(PINNED, KNOWN)) -> Caught:
        """The shipper, which has proven its events up to `PINNED` and now wants to free what it sent since."""
        try:
            self.ship(places)
        except LedgerContradicts:
            return frozenset({"keeps the spool"})
        except Behind:
            return frozenset({"keeps the spool", "waits"})
        return frozenset()

    @property
    def key_id(self) -> str:
        return self.world.key

    def bundle(self, seqs: Sequence[int], since: int | None) -> bytes:
        """The server's answer to the shipper."""
        stream = io.BytesIO()
        request = BundleRequest(self.world.log, self.origin, list(seqs), since=since)
        try:
            with tenant_transaction(self.world.conn, self.world.tenant):
                write_bundle(self.world.conn, request, stream)
        except NotSealed as error:
            raise RequestRefused(str(error), None, 409, "not-sealed") from error
        except (Malformed, VerificationFailed) as error:
            raise RequestRefused(str(error), None, 500, "broken-ledger") from error
        return stream.getvalue()

    def _promise(self, seq: int) -> Promise:
        source = json.loads(self.sent[seq])["source"]
        return Promise(source["epoch"], source["seq"], self.sent[seq], self.receipts[seq])

    def everybody(self) -> dict[str, Caught]:
        """What each observer of the installation says."""
        return {"walk": self.walk(), **self.readers(self.export()), "shipper": self.shipper(), "sealer": self.sealer()}

    def readers(self, bundle: bytes) -> dict[str, Caught]:
        """What each reader of a file says."""
        return {
            "first-look": self.first_look(bundle),
            "bundle": self.auditor(bundle),
            "known-logs": self.client(bundle),
            "standalone": self.standalone(bundle),
        }


def failed(report: Report) -> Caught:
    """The checks that failed; a verdict other than verified without any is a defect of its own."""
    names = frozenset(report.failed)
    if not names and report.verdict != "verified":
        names = frozenset(f"not made: {check.name}" for check in report.checks if check.state != "passed")
    return names
