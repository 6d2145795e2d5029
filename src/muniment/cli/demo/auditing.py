"""What an auditor does with a control: population, sample, marks, and a packet to be verified without the ledger."""

import json
import re
import zipfile
from pathlib import Path

import click

from muniment.cli.demo.stage import Stage, shown
from muniment.core.errors import Refused


def audit(stage: Stage, control: str) -> tuple[Path, Path]:
    """From a control to a packet.

    Returns:
        The packet, in a folder that holds nothing else, and a copy of it in which one byte was altered.
    """
    shown("muniment keys create read --role analyst")
    stage.hold("audit", stage.run("keys", "create", "read", "--role", "analyst").stdout.strip())
    shown(f'muniment population save "All that evidences {control}" --control {control}')
    population = _made(stage, "population", "save", f"All that evidences {control}", "--control", control)
    click.echo(f"    {population['id']}: {population['count']} entries, frozen under a checkpoint\n")
    shown("muniment sample draw pop_… --method random --count 3")
    sample = _made(stage, "sample", "draw", population["id"], "--method", "random", "--count", "3")
    places = [str(place) for place in sample["places"]]
    click.echo(f"    {sample['id']}: entries {', '.join(places)}, from a seed that was recorded before\n")
    shown("muniment sample mark smp_… <seq> --tick inspected --conclusion satisfied      # each of them")
    for place in places:
        stage.run(
            "sample", "mark", sample["id"], place, "--tick", "inspected", "--conclusion", "satisfied", scope="audit"
        )
    stage.run("sample", "conclude", sample["id"], "effective", "--comment", "Three of three inspected.", scope="audit")
    shown('muniment packet scope "First audit" --population pop_… --sample smp_…')
    scope = _made(
        stage, "packet", "scope", "First audit", "--control", control,
        "--population", population["id"], "--sample", sample["id"],
    )  # fmt: skip
    shown("muniment packet build pks_… --output packet.zip")
    packet = stage.folder / "auditor" / "packet.zip"
    packet.parent.mkdir()
    stage.run("packet", "build", scope["id"], "--output", str(packet), scope="audit")
    return packet, _altered(packet)


def _made(stage: Stage, *arguments: str) -> dict[str, str]:
    made: dict[str, str] = json.loads(stage.run(*arguments, "--json", scope="audit").stdout)
    return made


def _altered(packet: Path) -> Path:
    """A copy of the packet in which one byte of one of its pages is another one."""
    copy = packet.with_name("altered.zip")
    with zipfile.ZipFile(packet) as archive:
        page = next((one for one in archive.infolist() if re.search(r"sample.*\.html$", one.filename)), None)
    if page is None:
        raise Refused("the packet has no page of a sample", "demo")
    data = bytearray(packet.read_bytes())
    data[page.header_offset + 200] ^= 1
    copy.write_bytes(data)
    return copy
