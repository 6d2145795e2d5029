"""The matrix as `docs/threat-model.md` shows it: `python -m tests.attack.page` writes it there."""

from pathlib import Path
from typing import Final

from tests.attack.layers import LAYERS
from tests.attack.matrix import MATRIX

PAGE: Final = Path(__file__).parents[2] / "docs" / "threat-model.md"
_BEGIN: Final = "<!-- matrix: begin (python -m tests.attack.page) -->"
_END: Final = "<!-- matrix: end -->"


def table() -> str:
    """The matrix as a Markdown table: the check that catches, `no` where a layer looks and does not catch."""
    layers = tuple(LAYERS)
    lines = [
        "| Attacker | What is done | " + " | ".join(layers) + " | Why, or what closes it |",
        "|" + "---|" * (len(layers) + 3),
    ]
    for attack in MATRIX:
        cells = [
            f"`{attack.caught_by[layer]}`"
            if layer in attack.caught_by
            else "no"
            if layer in attack.not_caught_by
            else ""
            for layer in layers
        ]
        lines.append(f"| {attack.attacker} | {attack.done} | " + " | ".join(cells) + f" | {attack.remark} |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the matrix between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    layers = "\n".join(f"- **{layer}**: {words}" for layer, words in LAYERS.items())
    return f"{before}{_BEGIN}\n\n{layers}\n\n{table()}\n\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
