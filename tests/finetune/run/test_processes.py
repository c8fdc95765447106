"""Two processes train as one does that takes two batches a step; they too go on where they were."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from safetensors.torch import load_file

from finetune.checkpoint.models import load_checkpoint
from finetune.run.record import RunRecord
from tests.finetune.news import news, write_csv
from tests.finetune.runs import check_close
from tests.tiny_models import edit_config, tiny_checkpoint

KILLED = """
import os, signal
from finetune.training.trainer import SnapshotTrainer

take = SnapshotTrainer.take_snapshot

def take_and_die(self):
    take(self)
    if self.state.global_step == 8:
        os.kill(os.getpid(), signal.SIGKILL)

SnapshotTrainer.take_snapshot = take_and_die
from finetune.__main__ import app
app()
"""
"""The command line, each of its processes killed by the system at step 8 of 12."""


def run(*words: object, processes: int = 1) -> subprocess.CompletedProcess[str]:
    """Run Python in its one process, or under torchrun."""
    several = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}")
    command = (sys.executable, *(several if processes > 1 else ()), *words)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, env=environment, check=False
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, object]:
    """A model without dropout, which each process would draw for itself, and rows."""
    folder = tmp_path_factory.mktemp("given")
    base = tiny_checkpoint(folder / "still")
    edit_config(base, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    return {
        "data": write_csv(folder / "train.csv", news(96)),
        "validation": write_csv(folder / "validation.csv", news(120)[96:]),
        "model": base, "epochs": 2, "batch-size": 8, "learning-rate": 5e-3, "save-minutes": 0,
    }  # fmt: skip


def options(given: Mapping[str, object], output: Path, **more: object) -> list[str]:
    named = {**given, "output": output, **more}
    return ["train", "--no-baseline", *(f"--{name}={value}" for name, value in named.items())]


@pytest.fixture(scope="module")
def pair(given: Mapping[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that two processes left."""
    output = tmp_path_factory.mktemp("pair") / "out"
    done = run("-m", "finetune", *options(given, output), processes=2)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Best epoch") == 1
    return output


def test_two_processes_make_the_steps_of_one_that_accumulates(
    given: Mapping[str, object], pair: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "out"
    done = run("-m", "finetune", *options(given, alone, **{"gradient-accumulation": 2}))
    assert done.returncode == 0, done.stderr
    one, two = RunRecord.load(alone), RunRecord.load(pair)
    for mine, theirs in zip(one.epochs, two.epochs, strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, abs=1e-5)
        assert mine.validation_loss == pytest.approx(theirs.validation_loss, abs=1e-5)
    check_close(one.validation, two.validation)
    weights, others = (load_file(place / "model.safetensors") for place in (alone, pair))
    for name, weight in weights.items():
        # Softmax doesn't see the bias of keys: its gradient is noise, which Adam makes large.
        if not name.endswith("key.bias"):
            assert weight.allclose(others[name], atol=2e-5), name


def test_two_killed_processes_go_on_to_the_same_weights(
    given: Mapping[str, object], pair: Path, tmp_path: Path
) -> None:
    output, script = tmp_path / "out", tmp_path / "killed.py"
    script.write_text(KILLED)
    killed = run(script, *options(given, output), processes=2)
    assert killed.returncode != 0
    last = tmp_path / ".out.partial" / "checkpoints" / "checkpoint-8"
    assert load_checkpoint(str(last)).labels
    resumed = run("-m", "finetune", "resume", output, processes=2)
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming after step 8." in resumed.stdout
    assert (output / "model.safetensors").read_bytes() == (pair / "model.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed.py", "out"]
