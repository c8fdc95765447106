"""Two processes train as one does that takes two batches a step; they too go on where they were."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from safetensors.torch import load_file
from typer.testing import CliRunner

from finetune.__main__ import app
from finetune.checkpoint.models import load_checkpoint
from finetune.run.event_schema import EVENT, Stepped
from finetune.run.history import frame_weights, open_history
from finetune.run.history_format import same_bits
from finetune.run.record import RunRecord
from tests.finetune.news import news, write_csv
from tests.finetune.runs import check_close
from tests.tiny_models import edit_config, tiny_checkpoint

KILLED_AND_RESUMED = """
import os, shutil, signal, sys
from finetune.checkpoint.garbage import collect_less_garbage
collect_less_garbage()
import finetune.training.train
from finetune.__main__ import app
from finetune.training.trainer import SnapshotTrainer

output, last, kept, sharded, *given = sys.argv[1:]
ports, words = given[:4], given[4:]
take = SnapshotTrainer.take_snapshot

def take_and_die(self):
    take(self)
    if self.state.global_step == 8:
        weights = list(self.model.parameters())
        local = [each.to_local() if hasattr(each, "to_local") else each for each in weights]
        here = sum(each.numel() for each in local)
        in_parts = here < 0.6 * sum(each.numel() for each in weights)
        assert in_parts == (sys.argv[-1] == sharded)
        os.kill(os.getpid(), signal.SIGKILL)

def run(port, words):
    '''The command line in two processes, as torchrun starts them.'''
    SnapshotTrainer.take_snapshot = take if words[0] == "resume" else take_and_die
    sys.argv[1:] = words
    place = {"WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": port}
    for rank in "01":
        if not os.fork():
            os.environ.update(place, RANK=rank, LOCAL_RANK=rank)
            app()
    return [os.waitstatus_to_exitcode(os.wait()[1]) for _ in "01"]

assert run(ports[0], words) == [-signal.SIGKILL] * 2
shutil.copytree(last, kept)
assert run(ports[1], ["resume", output]) == [0, 0]
os.environ["ACCELERATE_USE_FSDP"] = "true"  # as accelerate launch says it
plain = [word for word in words if not word.startswith(("--keep-steps", "--output"))]
assert run(ports[2], [*plain, "--output", sharded]) == [-signal.SIGKILL] * 2
assert run(ports[3], ["resume", sharded]) == [0, 0]
"""
"""Two processes are killed by the system at step 8 of 12; two more go on.  They import but once.

Then the same once more, the model shared by the two.
"""


def python(*words: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = list(map(str, (sys.executable, *words)))
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def free_ports(runs: int) -> list[int]:
    """One for each of several runs."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(runs)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


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
        "keep-steps": 5,
    }  # fmt: skip


def options(given: Mapping[str, object], output: Path, **more: object) -> list[str]:
    named = {**given, "output": output, **more}
    # What is hidden depends on the batch, whichever process reads it.
    return [
        "train",
        "--no-baseline",
        "--masking",
        *(f"--{name}={value}" for name, value in named.items()),
    ]


@pytest.fixture(scope="module")
def pair(given: Mapping[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that two processes left."""
    output = tmp_path_factory.mktemp("pair") / "out"
    torchrun = ("torch.distributed.run", "--standalone", "--nproc-per-node=2")
    done = python("-m", *torchrun, "-m", "finetune", *options(given, output))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Best epoch") == 1
    return output


def last_norms(folder: Path) -> Mapping[str, float]:
    """Of the gradients of the last step, which every run tells of."""
    events = map(EVENT.validate_json, (folder / "events.jsonl").read_bytes().splitlines())
    return [event for event in events if isinstance(event, Stepped)][-1].gradient_norms


def test_two_processes_make_the_steps_of_one_that_accumulates(
    given: Mapping[str, object], pair: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "out"
    done = CliRunner().invoke(app, options(given, alone, **{"gradient-accumulation": 2}))
    assert done.exit_code == 0, done.output
    one, two = RunRecord.load(alone), RunRecord.load(pair)
    for mine, theirs in zip(one.epochs, two.epochs, strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, abs=1e-5)
        assert mine.validation_loss == pytest.approx(theirs.validation_loss, abs=1e-5)
    check_close(one.validation, two.validation)
    norms, of_pair = (last_norms(place) for place in (alone, pair))
    assert norms == pytest.approx(of_pair, rel=1e-2)
    assert len(norms) == 5
    weights, others = (load_file(place / "model.safetensors") for place in (alone, pair))
    for name, weight in weights.items():
        # Softmax doesn't see the bias of keys: its gradient is noise, which Adam makes large.
        if not name.endswith("key.bias"):
            assert weight.allclose(others[name], atol=2e-5), name


def check_sharded(folder: Path, pair: Path) -> None:
    """Two processes that shared a model left a whole one, the same as where each had its own."""
    record, expected = RunRecord.load(folder), RunRecord.load(pair)
    assert record.settings["fsdp"] is True
    for mine, theirs in zip(record.epochs, expected.epochs, strict=True):
        assert mine.train_loss == pytest.approx(theirs.train_loss, abs=1e-5)
        assert mine.validation_loss == pytest.approx(theirs.validation_loss, abs=1e-5)
    check_close(record.validation, expected.validation)
    weights, others = (load_file(place / "model.safetensors") for place in (folder, pair))
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        if not name.endswith("key.bias"):  # of which the gradient is noise
            assert weight.allclose(others[name], atol=2e-5), name


def test_two_killed_processes_go_on_to_the_same_weights(
    given: Mapping[str, object], pair: Path, tmp_path: Path
) -> None:
    output, kept = tmp_path / "out", tmp_path / "kept"
    last = tmp_path / ".out.partial" / "checkpoints" / "checkpoint-8"
    sharded = tmp_path / "sharded"
    words = (output, last, kept, sharded, *free_ports(4), *options(given, output))
    resumed = python("-c", KILLED_AND_RESUMED, *words)
    assert resumed.returncode == 0, resumed.stderr
    assert load_checkpoint(str(kept)).labels
    assert "Resuming after step 8." in resumed.stdout
    assert (output / "model.safetensors").read_bytes() == (pair / "model.safetensors").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "out", "sharded"]
    check_sharded(sharded, pair)
    frames = open_history(output).frames
    assert [frame.step for frame in frames][:4] == [0, 5, 10, 12]
    for mine, theirs in zip(frames, open_history(pair).frames, strict=True):
        own, others = frame_weights(output, mine), frame_weights(pair, theirs)
        assert all(same_bits(weight, others[name]) for name, weight in own.items())
