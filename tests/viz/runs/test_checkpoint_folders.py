"""Where checkpoints are looked for, and by which short paths they are offered."""

from pathlib import Path

import pytest

from tests.tiny_models import tiny_checkpoint
from viz.model.classifier import default_checkpoint
from viz.runs import checkpoint_folders, files
from viz.runs.checkpoint_folders import display_name


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with two checkpoints: one put there, one trained there."""
    monkeypatch.delenv(files.FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    for name in ("checkpoints/mine", "checkpoints/.hidden", "runs/trained"):
        tiny_checkpoint(tmp_path / name)
    return tmp_path


def names() -> list[str]:
    return [display_name(folder) for folder in checkpoint_folders.checkpoint_folders()]


def test_an_installed_app_offers_those_of_the_current_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint_folders, "IS_CHECKOUT", False)
    assert names() == ["assets/ag-news-minilm", "checkpoints/mine", "runs/trained"]


def test_a_checkout_offers_its_own_and_the_runs_of_the_current_folder(elsewhere: Path) -> None:
    found = checkpoint_folders.checkpoint_folders()
    assert default_checkpoint() in found
    assert elsewhere / "runs" / "trained" in found
    assert elsewhere / "checkpoints" / "mine" not in found
    assert display_name(elsewhere / "runs" / "trained") == (elsewhere / "runs/trained").as_posix()
