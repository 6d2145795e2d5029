"""Write the vectors: `python -m tests.vectors.make`. The same files come out every time; a test holds that they do."""

import json
from pathlib import Path

from muniment.core.entry import entry_hash
from tests.vectors import texts
from tests.vectors.bundles import bundles, good
from tests.vectors.log import ORIGIN, ROOT, build, checkpoint, keys_note

HERE = Path(__file__).parent


def files() -> dict[str, bytes]:
    """Every file by its name below this folder."""
    log = build()
    genesis = entry_hash(log.texts[0])
    pins = {"origin": ORIGIN, "genesis": genesis.hex(), "root": ROOT.public.vkey}
    made: dict[str, object] = {
        "pins.json": pins,
        "entries.json": texts.entries(log),
        "events.json": texts.events(log),
        "checkpoints.json": texts.checkpoints(log),
        "keysnotes.json": texts.keysnotes(log),
        "proofs.json": texts.proofs(log),
        "signatures.json": texts.signatures(),
        "bundles.json": bundles(log),
    }
    found = {name: json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n" for name, value in made.items()}
    found |= {f"log/{name}.bundle": data for name, data in good(log).items()}
    found |= {f"log/keys-{number}.note": keys_note(number, genesis) for number in (1, 2)}
    found |= {f"log/checkpoint-{size}.note": checkpoint(log.texts, size) for size in (1, 7, 10)}
    return found


def main() -> None:
    """Write them all."""
    for name, data in files().items():
        path = HERE / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
