"""Whether a run is told of a disk that may be too small for it."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from finetune.errors import OutputError
from finetune.run.config import TrainConfig
from finetune.run.disk_space import disk_space_warning, require_room
from finetune.training.train import train
from tests.finetune.news import news, write_csv


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk with 1 GB left."""
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=10**9))


@pytest.mark.usefixtures("free")
def test_a_run_that_fits_is_not_warned_of(tmp_path: Path) -> None:
    assert disk_space_warning(tmp_path, 20_000_000) is None
    said = disk_space_warning(tmp_path, 30_000_000)
    assert said is not None
    assert "1.0 GB are free" in said
    assert "1.4 GB for its snapshots" in said


@pytest.mark.usefixtures("free")
def test_pre_training_needs_room_for_snapshots_of_its_own(tmp_path: Path) -> None:
    assert disk_space_warning(tmp_path, 12_000_000, stages=2) is not None
    assert disk_space_warning(tmp_path, 12_000_000) is None


@pytest.mark.usefixtures("free")
def test_a_history_needs_room_beside_the_snapshots(tmp_path: Path) -> None:
    assert disk_space_warning(tmp_path, 10_000_000, history=500_000_000) is None
    assert disk_space_warning(tmp_path, 10_000_000, history=600_000_000) is not None
    require_room(tmp_path, 1_000_000_000)
    with pytest.raises(OutputError, match=r"may take 1\.1 GB, and 1\.0 GB are free; free up disk"):
        require_room(tmp_path, 1_100_000_000)
    (tmp_path / "history").mkdir()
    with (tmp_path / "history" / "weights").open("wb") as file:
        file.truncate(200_000_000)
    require_room(tmp_path, 1_100_000_000)


@pytest.mark.usefixtures("free")
def test_what_a_stopped_run_has_kept_needs_no_room_again(tmp_path: Path) -> None:
    parameters = 21_000_000
    assert disk_space_warning(tmp_path, parameters) is not None
    with (tmp_path / "optimizer.pt").open("wb") as file:
        file.truncate(100_000_000)
    assert disk_space_warning(tmp_path, parameters) is None


def test_the_warning_comes_before_the_first_step(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: SimpleNamespace(free=10_000))
    data, said = write_csv(tmp_path / "news.csv", news(40)), list[str]()
    train(
        TrainConfig(
            data=(str(data),), model=str(base), output=tmp_path / "out", epochs=1, baseline=False
        ),
        say=said.append,
    )
    (place,) = (number for number, line in enumerate(said) if line.startswith("Disk: "))
    assert any(line.startswith("Epoch 1") for line in said[place:])
