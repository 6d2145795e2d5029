"""Run every benchmark, print the table, write bench/results.json. Exit 1 if a gate is not met.

python -m bench [--only PART]… [--list]
"""

import argparse
import importlib
import json
import os
import platform
import sys
import time
from pathlib import Path

from bench.row import Row

# Part -> what it measures. Each is a module of this package with `run() -> list[Row]`.
PARTS = {
    "append": "chained append against a plain INSERT of the same rows by the same role",
    "peers": "the same PostgreSQL and disk, side by side with other audit-chain packages",
    "http_ingest": "HTTP ingest, batches and single events",
    "recorder": "record() in the agent's process, and the MCP recorder's added latency",
    "sealing": "cost of a checkpoint and latency of a proof as the log grows",
    "verification": "offline verification per core, and its memory",
    "population": "populations at a million entries: pages, exact counts, drawing and walking",
    "matrix": "the controls matrix of 92 controls at a million entries",
    "export": "exports of a million entries over HTTP in each format, and the server's memory meanwhile",
    "packet": "a packet of 1,000 samples, and a bundle of 10,000 entries, built and verified",
    "traces": "the graph of a trace of 1,000 events in a log of 100,000 entries, and what it reads",
    "lists": "pages of registers with 10,000 exceptions and 100,000 attachments, as a signed-in person waits for them",
    "reminders": "reminders of 10,000 exceptions, all due at once",
    "dlp": "detectors of data protection over text, and files in the process that reads them",
    "anomalies": "anomaly detection: small events a second",
    "explorer": "the ledger explorer's pages at a million entries, as a signed-in person waits for them",
}
RESULTS = Path(__file__).with_name("results.json")


def machine() -> dict[str, object]:
    """What the absolute figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}


def table(rows: list[Row]) -> str:
    """The rows for people to read."""
    lines = [f"{'what':<66} {'measured':>12} {'target':>12}  unit"]
    for row in rows:
        sign = {"higher": ">=", "lower": "<="}[row.better]
        target = "" if row.target is None else f"{sign} {row.target:,.10g}"
        mark = {True: "met", False: "NOT MET", None: ""}[row.met]
        kind = "gate " if row.gate else ""
        lines.append(f"{row.name:<66} {row.value:>12,.6g} {target:>12}  {row.unit:<12} {kind}{mark}")
    return "\n".join(lines)


def main() -> int:
    """Measure; 1 if a gate was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure, and print the targets beside the figures."
    )
    parser.add_argument("--only", action="append", choices=sorted(PARTS), help="only this part (may be repeated)")
    parser.add_argument("--list", action="store_true", help="list the parts")
    chosen = parser.parse_args()
    if chosen.list:
        for name, what in PARTS.items():
            print(f"{name:<14} {what}")
        return 0
    rows: list[Row] = []
    for name, what in PARTS.items():
        if chosen.only and name not in chosen.only:
            continue
        print(f"{name}: {what} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        rows += importlib.import_module(f"bench.{name}").run()
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print(table(rows))
    if not chosen.only:
        RESULTS.write_text(json.dumps({"machine": machine(), "rows": [row.as_json() for row in rows]}, indent=1) + "\n")
        print(f"written to bench/{RESULTS.name}")
    missed = [row.name for row in rows if row.gate and row.met is False]
    for name in missed:
        print(f"gate not met: {name}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
