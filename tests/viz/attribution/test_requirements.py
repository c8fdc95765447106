"""What a pass can't give is asked of the pass, and the methods that need it are not offered."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.families import family_checkpoint
from tests.tiny_models import tiny_checkpoint
from viz import METHODS, Classifier
from viz.attribution import available_methods, default_methods
from viz.types import Encoding, MissingAttention, Reading

REASON = "It mixes tokens without attention, so there are no maps to show."


def classifier_without(monkeypatch: pytest.MonkeyPatch, folder: Path, **parts: Any) -> Classifier:
    """A classifier whose readings come without some of their parts."""
    classifier = Classifier.load(tiny_checkpoint(folder))
    read_many = classifier.read_many

    def without(encodings: Sequence[Encoding]) -> list[Reading]:
        return [replace(reading, **parts) for reading in read_many(encodings)]

    monkeypatch.setattr(classifier, "read_many", without)
    return classifier


def test_without_maps_methods_that_look_at_them_are_refused_by_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = MissingAttention(REASON)
    classifier = classifier_without(monkeypatch, tmp_path / "bert", attention=missing)
    classifier.capabilities = replace(classifier.capabilities, attention=None, no_attention=REASON)
    refusals = {name: METHODS[name].refusal(classifier) for name in METHODS}
    assert {name for name, refusal in refusals.items() if refusal == REASON} == {
        *("attention", "rollout", "grad-attention", "chefer", "attattr")
    }
    assert default_methods(classifier)[0] == "decomposition"


def test_methods_that_follow_the_deciding_token_are_refused_where_none_is_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    classifier = classifier_without(monkeypatch, tmp_path / "bert", pooling=None)
    for name in ("attention", "rollout", "chefer", "grad-attention", "norms"):
        assert METHODS[name].refusal(classifier) == (
            "No gradient tells from which tokens 'bert' reads its class, and this method follows "
            "them; choose another method."
        )
    assert {"saliency", "decomposition"} <= set(available_methods(classifier))


def test_rows_of_an_encoder_are_not_followed_where_its_decoder_decides(tmp_path: Path) -> None:
    """In T5 each token of the encoder speaks to the one of the decoder that is read."""
    classifier = Classifier.load(family_checkpoint(tmp_path / "t5", "t5"))
    for name in ("attention", "rollout", "chefer", "grad-attention"):
        assert METHODS[name].refusal(classifier) == (
            "'t5' reads its class further on than in the layers whose attention is shown, and this "
            "method ends with them; choose another method."
        )
    assert {"saliency", "decomposition", "attattr"} <= set(available_methods(classifier))
