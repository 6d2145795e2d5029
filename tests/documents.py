"""Hold the documents to what is there: `python -m tests.documents`, part of `make check`.

Checks every Markdown file that git tracks or would track: relative links and anchors lead somewhere, files and tests
that the text names in backticks exist, no machine's own path and no registry address stands anywhere.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
NAMED_PATH = re.compile(r"`((?:src|tests|bench|docs|requirements)/[A-Za-z0-9_./*-]+)(?:::([A-Za-z0-9_]+))?`")
# Addresses of pages under /work are no paths of a machine.
MACHINE_PATH = re.compile(r"(?<![\w.~`])/(?:root/|work/(?!exceptions|board|calendar|bulk)|home/[a-z])[/\w.-]*")
REGISTRY = re.compile(r"pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org")
BINARY = {".png", ".woff2", ".ico", ".bin", ".bundle"}


def tracked() -> list[Path]:
    """Every file that git tracks, or would."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for line in listing.splitlines() if (path := ROOT / line).is_file()]


def anchors(text: str) -> set[str]:
    """Heading anchors of a Markdown text, as the usual hosts make them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def complaints_about_links(document: Path, text: str) -> list[str]:
    """Relative links of one document that lead nowhere."""
    found = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path) if path else document
        if not file.exists():
            found.append(f"link to {target}: no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            found.append(f"link to {target}: no such heading")
    return found


def complaints_about_names(text: str) -> list[str]:
    """Repository paths and tests named in backticks that do not exist."""
    found = []
    for path, test in NAMED_PATH.findall(text):
        files = list(ROOT.glob(path.rstrip("/")))
        if not files:
            found.append(f"names {path}, which does not exist")
        elif test and not any(re.search(rf"def {test}\b", file.read_text(encoding="utf-8")) for file in files):
            found.append(f"names {path}::{test}, which does not exist")
    return found


def main() -> int:
    """Print every complaint; 0 when there is none."""
    found: list[str] = []
    files = tracked()
    for file in files:
        if file.suffix in BINARY:
            continue
        name = file.relative_to(ROOT)
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".md":
            found += [f"{name}: {complaint}" for complaint in complaints_about_links(file, text)]
            found += [f"{name}: {complaint}" for complaint in complaints_about_names(text)]
        if file != Path(__file__).resolve():
            found += [f"{name}: holds a machine's path {hit}" for hit in MACHINE_PATH.findall(text)]
            found += [f"{name}: names a package registry" for _ in REGISTRY.findall(text)]
    for complaint in found:
        print(complaint)
    documents = sum(file.suffix == ".md" for file in files)
    print(f"documents: {documents} read, {len(found)} complaints")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
