"""Running the single-file verifier on bytes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muniment.verifier.standalone import muniment_verify as mv
from tests.standalone.forge import ROOT, Forge, sample


class Answer(dict[str, Any]):
    """What the verifier found, with its checks by name."""

    @property
    def states(self) -> dict[str, str]:
        return {check["name"]: check["state"] for check in self["checks"]}

    @property
    def failed(self) -> set[str]:
        return {name for name, state in self.states.items() if state == "failed"}

    def reason(self, check: str) -> str:
        return next(one["reason"] for one in self["checks"] if one["name"] == check)


Check = Callable[..., Answer]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def run(bundle: bytes, root: str | None = ROOT.vkey, checkpoint: bytes | None = None, **pins: Any) -> Answer:
        (tmp_path / "bundle").write_bytes(bundle)
        if checkpoint is not None:
            (tmp_path / "pinned").write_bytes(checkpoint)
            pins["checkpoint"] = mv.read_pinned_checkpoint(str(tmp_path / "pinned"))
        made = mv.Pins(root=mv.read_vkey(root, 1) if root else None, **pins)
        return Answer(mv.verify(str(tmp_path / "bundle"), made))

    return run


@pytest.fixture
def forge() -> Forge:
    return sample()
