"""The classifier with a known shortcut, trained once a session."""

from pathlib import Path

import pytest

from tests.shortcut_model import CuedText, cued_texts, shortcut_checkpoint
from viz import Classifier


@pytest.fixture(scope="session")
def shortcut(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A small BERT whose class depends on one word."""
    folder: Path = tmp_path_factory.mktemp("shortcut") / "shortcut"
    return Classifier.load(shortcut_checkpoint(folder), device="cpu")


@pytest.fixture(scope="session")
def held_out() -> tuple[CuedText, ...]:
    """Texts that it was not trained on."""
    return tuple(cued_texts(60, seed=2))


@pytest.fixture
def _no_pass_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is built on a linear pass is allowed, as where a pass is not linear."""
    monkeypatch.setattr("viz.attribution.linear_pass.TOLERANCE", -1.0)
