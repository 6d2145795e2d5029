"""JSON read so that nothing of it is lost: keys that occur twice stay, numbers stay as they were written."""

import json
from typing import TypeAlias


class Number(str):
    """A number as it was written; also NaN and the infinities, which some writers produce."""

    __slots__ = ()


class Members:
    """The members of an object, in order; a key may occur more than once.

    Attributes:
        pairs: keys and values.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: "list[tuple[str, Tree]]") -> None:
        self.pairs = pairs


Tree: TypeAlias = "str | Number | bool | list[Tree] | Members | None"


def read_tree(text: str) -> Tree:
    """Read a JSON text.

    Raises:
        ValueError: if it is none.
        RecursionError: if it is nested deeper than the interpreter's stack allows.
    """
    tree: Tree = _DECODER.decode(text)
    return tree


def write_tree(tree: Tree) -> str:
    """Write it back, without white space."""
    if isinstance(tree, Number):
        return str(tree)
    if isinstance(tree, Members):
        return "{" + ",".join(f"{json.dumps(key)}:{write_tree(value)}" for key, value in tree.pairs) + "}"
    if isinstance(tree, list):
        return "[" + ",".join(write_tree(item) for item in tree) + "]"
    return json.dumps(tree)


_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=Number)
