"""Reading a log's stored tree: tiles, nodes, and the C2SP tlog-tiles resources made of them."""

from collections.abc import Iterable, Sequence

from psycopg import Connection

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.merkle import HASH_BYTES
from muniment.core.tiles import Node, Tile, fold, node_from_tile, node_in_tile, tile_width
from muniment.ledger.queries import query

TileName = tuple[int, int]
"""Tile level and index."""

ENTRIES_A_BUNDLE = 256


def read_tiles(connection: Connection, log_id: int, names: Iterable[TileName]) -> dict[TileName, bytes]:
    """Fetch tiles in one query, the unfinished ones as wide as they are now.

    Returns:
        What exists of `names`: up to 8192 bytes each.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    parameters = {"log": log_id, "levels": [level for level, _ in wanted], "tiles": [tile for _, tile in wanted]}
    rows = connection.cursor(binary=True).execute(query("tiles_and_edge"), parameters).fetchall()
    return {(level, tile): hashes for level, tile, hashes in rows if hashes is not None}


def read_nodes(connection: Connection, log_id: int, nodes: Iterable[Node]) -> dict[Node, bytes]:
    """The hashes of perfect subtrees of the sealed tree, in one query.

    Args:
        nodes: (level, index), all of them inside the sealed tree.

    Raises:
        VerificationFailed: if the stored tree has a hole where a node should be.
    """
    places = {node: node_in_tile(*node) for node in nodes}
    tiles = read_tiles(connection, log_id, ((place.level, place.index) for place in places.values()))
    hashes: dict[Node, bytes] = {}
    for node, place in places.items():
        tile = tiles.get((place.level, place.index), b"")
        if len(tile) < (place.start + place.count) * HASH_BYTES:
            raise VerificationFailed(
                f"the stored tree lacks tile {place.level}/{place.index} up to {place.start + place.count}", "tiles"
            )
        hashes[node] = node_from_tile(tile, place.start, place.count)
    return hashes


def read_folds(connection: Connection, log_id: int, ranges: Sequence[Sequence[Node]]) -> list[bytes]:
    """The hashes of neighbouring subtrees folded into one, for each of several ranges, in one query.

    Raises:
        VerificationFailed: if the stored tree has a hole.
    """
    hashes = read_nodes(connection, log_id, {node for nodes in ranges for node in nodes})
    return [fold([hashes[node] for node in nodes]) for nodes in ranges]


def hash_tile(connection: Connection, log_id: int, tile: Tile, size: int) -> bytes | None:
    """A tlog-tiles hash tile.

    Args:
        tile: full, or partial with any width that the tree once had.
        size: of a published checkpoint; nothing beyond it is given out.

    Returns:
        32 bytes a hash; None if the tree of `size` has no such tile.

    Source: C2SP tlog-tiles, "Merkle tree".
    """
    if tile.level is None:
        raise Malformed("an entry bundle is no hash tile", "tile")
    if tile_width(tile.level, tile.index, size) < tile.width:
        return None
    hashes = read_tiles(connection, log_id, [(tile.level, tile.index)]).get((tile.level, tile.index), b"")
    if len(hashes) < tile.width * HASH_BYTES:
        raise VerificationFailed(f"the stored tree lacks {tile.path}", "tiles")
    return hashes[: tile.width * HASH_BYTES]
