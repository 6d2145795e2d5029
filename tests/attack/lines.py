"""An attacker's own writer of bundles: it writes what it is given, and mends the closing digest."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from muniment.core.entry import entry_hash
from muniment.core.merkle import root_of
from muniment.core.tiles import cover


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a bundle can be written from.

    Attributes:
        origin: what the header says.
        texts: entries from 0 on.
        bodies: salt and body by place.
        notes: checkpoint notes by size.
        keys: keys notes in the order of their numbers.
    """

    origin: str
    texts: tuple[bytes, ...]
    bodies: Mapping[int, tuple[bytes, bytes]] = field(default_factory=dict)
    notes: Mapping[int, bytes] = field(default_factory=dict)
    keys: tuple[bytes, ...] = ()


def compose(material: Material, *, hide: range = range(0)) -> bytes:
    """Write all of it as a bundle up to its newest checkpoint, the places in `hide` as subtrees."""
    lines = [b"H muniment-bundle/1 " + material.origin.encode()]
    lines += [b"K " + b64encode(note) for note in material.keys]
    position, end = 0, min(max(material.notes, default=0), len(material.texts)) or len(material.texts)
    leaves = [entry_hash(text) for text in material.texts]
    while position < end:
        if position in hide:
            until = min([hide.stop, *(size for size in material.notes if size > position)])
            for level, index in cover(position, until):
                inside = leaves[index << level : (index + 1) << level]
                lines.append(b"N %d %s" % (level, b64encode(root_of(inside))))
            position = until
        else:
            lines.append(b"E " + material.texts[position])
            if position in material.bodies:
                lines.append(b"B " + b64encode(b"".join(material.bodies[position])))
            position += 1
        if position in material.notes:
            lines.append(b"C " + b64encode(material.notes[position]))
    return closed(lines)


def closed(lines: Iterable[bytes]) -> bytes:
    """Lines, none of them the last one, with the closing digest that fits them."""
    data = b"".join(line + b"\n" for line in lines)
    return data + b"Z " + hashlib.sha256(data).hexdigest().encode() + b"\n"


def opened(bundle: bytes) -> list[bytes]:
    """The lines of a bundle without its last one."""
    return bundle.split(b"\n")[:-2]
