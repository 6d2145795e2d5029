"""The tree written down again from RFC 6962 and RFC 9162, by plain recursion, to compare with."""

import hashlib


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00%d" % number).digest() for number in range(count)]


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count: int) -> int:
    width = 1
    while width * 2 < count:
        width *= 2
    return width


def root(row: list[bytes]) -> bytes:
    if not row:
        return hashlib.sha256(b"").digest()
    if len(row) == 1:
        return row[0]
    middle = split(len(row))
    return node(root(row[:middle]), root(row[middle:]))


def inclusion(index: int, row: list[bytes]) -> list[bytes]:
    if len(row) == 1:
        return []
    middle = split(len(row))
    if index < middle:
        return [*inclusion(index, row[:middle]), root(row[middle:])]
    return [*inclusion(index - middle, row[middle:]), root(row[:middle])]


def consistency(first: int, row: list[bytes], whole: bool = True) -> list[bytes]:
    if first == len(row):
        return [] if whole else [root(row)]
    middle = split(len(row))
    if first <= middle:
        return [*consistency(first, row[:middle], whole), root(row[middle:])]
    return [*consistency(first - middle, row[middle:], False), root(row[:middle])]
