"""Every pass asks in each of its layers whether it is still wanted, on the way up and down."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from finetune.checkpoint.arrays import FloatArray
from tests.tiny_models import tiny_checkpoint, tiny_mpnet
from viz import METHODS, Classifier, Reading, attribute
from viz.attribution.contribution import contribution
from viz.attribution.head_importance import head_importance
from viz.faithfulness.compare import compare
from viz.faithfulness.evidence import evidence
from viz.faithfulness.sanity import sanity
from viz.jobs.cancellation import CancelledError, cancellation_check, check_cancelled
from viz.model.perturbation import Perturbation
from viz.types import Inputs

TEXT = "Oil prices rise as stocks fall, the market was not good."
FEW = 2
"""Layers that may still be gone through once nobody wants them."""


@contextmanager
def layers_counted(classifier: Classifier) -> Iterator[list[int]]:
    """The layers that are gone through within, counted in the one number of a list."""
    passed = [0]

    def count(*_: object) -> None:
        passed[0] += 1

    hooks = [layer.register_forward_hook(count) for layer in classifier.layers]
    try:
        yield passed
    finally:
        for hook in hooks:
            hook.remove()


def layers_after_cancel(classifier: Classifier, do: Callable[[], object], at: int) -> int | None:
    """How many layers a computation goes through after the one at which it is cancelled.

    None where it is done before.
    """
    with layers_counted(classifier) as passed:

        def check() -> None:
            if passed[0] >= at:
                raise CancelledError

        try:
            with cancellation_check(check):
                do()
        except CancelledError:
            return passed[0] - at
        return None


def assert_stops_anywhere(classifier: Classifier, do: Callable[[], object]) -> None:
    """Cancel a computation after its first, its middle and its last but one layer."""
    do()  # what is tried once for a classifier is not counted
    with layers_counted(classifier) as passed:
        do()
        whole = passed[0]
    for at in {at for at in (1, whole // 2, whole - 1) if 0 < at < whole}:
        over = layers_after_cancel(classifier, do, at)
        assert over is not None, f"after {at} of {whole} layers it went on to its end"
        assert over <= FEW


WITHOUT_PASSES = {"rollout", "attention", "random"}
"""Methods that look at what the reading holds already."""


@pytest.mark.parametrize("method", [name for name in METHODS if name not in WITHOUT_PASSES])
def test_each_method_stops_within_few_layers(
    classifier: Classifier, reading: Reading, method: str
) -> None:
    assert_stops_anywhere(classifier, lambda: attribute(classifier, reading, method))


@pytest.mark.parametrize(
    "do",
    [
        lambda classifier, reading: classifier.read(TEXT),
        lambda classifier, reading: contribution(classifier, reading),
        lambda classifier, reading: evidence(
            classifier, reading, attribute(classifier, reading, "random")
        ),
        lambda classifier, reading: compare(classifier, reading, ["random", "occlusion"]),
        lambda classifier, reading: head_importance(classifier, reading),
        lambda classifier, reading: sanity(classifier, [reading], ["random", "saliency"]),
    ],
    ids=["read", "contribution", "evidence", "compare", "heads", "sanity"],
)
def test_whatever_else_takes_passes_stops_within_few_layers(
    classifier: Classifier, reading: Reading, do: Callable[[Classifier, Reading], object]
) -> None:
    assert_stops_anywhere(classifier, lambda: do(classifier, reading))


def test_a_pass_stops_in_an_architecture_whose_attention_we_do_not_compute(tmp_path: Path) -> None:
    classifier = Classifier.load(tiny_mpnet(tmp_path / "mpnet"))
    assert classifier.capabilities.attention == "softmax"
    assert_stops_anywhere(classifier, lambda: classifier.read(TEXT))


@pytest.mark.parametrize("family", ["roberta", "electra", "distilbert"])
def test_a_pass_stops_in_each_family(tmp_path: Path, family: str) -> None:
    classifier = Classifier.load(tiny_checkpoint(tmp_path / family, family))  # type: ignore[arg-type]
    reading = classifier.read(TEXT)
    assert_stops_anywhere(classifier, lambda: attribute(classifier, reading, "saliency"))


def test_the_way_down_asks_too(classifier: Classifier, reading: Reading) -> None:
    """Counted where the pass has gone up through all of its layers."""
    with layers_counted(classifier) as passed:
        down = [0]

        def check() -> None:
            down[0] += passed[0] == classifier.n_layers

        with cancellation_check(check):
            attribute(classifier, reading, "saliency")
    assert down[0] == classifier.n_layers


def test_a_wide_model_reads_fewer_versions_at_once(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = Perturbation(classifier, classifier.encode(TEXT))
    rows: list[int] = []
    plain = classifier.logits

    def watched(many: Sequence[Inputs]) -> FloatArray:
        rows.append(len(many))
        return plain(many)

    monkeypatch.setattr(classifier, "logits", watched)
    kept = ~torch.eye(words.n_words, dtype=torch.bool).numpy()
    monkeypatch.setattr(classifier.config, "hidden_size", 4096)
    monkeypatch.setattr(classifier, "_n_layers", 48)
    words.logits(kept, "mask")
    assert set(rows) == {1}
    assert words.n_read == words.n_words


def test_a_thread_that_computes_ends_when_the_program_does(tmp_path: Path) -> None:
    """Nobody cancels it, and it is inside torch most of the time."""
    program = f"""
import threading, torch
from viz import Classifier, attribute
classifier = Classifier.load({str(tiny_checkpoint(tmp_path / "tiny"))!r})
reading = classifier.read({TEXT!r})
started = threading.Event()

def read_on():
    while True:
        attribute(classifier, reading, "integrated-gradients")
        started.set()

threading.excepthook = lambda told: None
threading.Thread(target=read_on, daemon=True).start()
started.wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_check_holds_for_its_own_thread_alone() -> None:
    def refuse() -> None:
        raise CancelledError

    with cancellation_check(refuse):
        with pytest.raises(CancelledError):
            check_cancelled()
        other = threading.Thread(target=check_cancelled)
        other.start()
        other.join()
    check_cancelled()
