"""One page with all the pictures."""

import html
from collections.abc import Iterable
from pathlib import Path

from tests.screenshots.shooting import Shot

_HEAD = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Pictures of every page</title>
<style>body{font:15px/1.5 system-ui;margin:2rem;background:#f4f4f5;color:#18181b}h2{margin:2.5rem 0 .5rem}
.row{display:flex;gap:1rem;align-items:flex-start}figure{margin:0}figcaption{font-size:13px;color:#52525b}
img{max-height:34rem;max-width:38vw;border:1px solid #d4d4d8;background:#fff;display:block}
li{color:#b91c1c}</style><h1>Pictures of every page</h1>
"""


def write_album(folder: Path, shots: Iterable[Shot], missing: Iterable[str]) -> Path:
    """Write `index.html`: each page with its looks side by side, and under it what is wrong with it."""
    titles: dict[str, list[Shot]] = {}
    for shot in shots:
        titles.setdefault(shot.title, []).append(shot)
    parts = [_HEAD]
    for title, group in titles.items():
        parts.append(f"<h2>{html.escape(title)}</h2><div class='row'>")
        parts += [
            f"<figure><a href='{shot.file}'><img src='{shot.file}' loading='lazy' alt='{html.escape(title)}'></a>"
            f"<figcaption>{shot.look}</figcaption></figure>"
            for shot in group
        ]
        parts.append("</div><ul>")
        parts += [f"<li>{shot.look}: {html.escape(fault)}</li>" for shot in group for fault in shot.faults]
        parts.append("</ul>")
    parts.append("<h2>Not seen</h2><ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in missing) + "</ul>")
    path = folder / "index.html"
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")
    return path
