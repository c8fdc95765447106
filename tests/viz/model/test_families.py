"""Every family that transformers classifies with: what is shown is right, or a sentence says no.

A tiny random folder of each is held against plain transformers.  All claims of all families, in
single and in double precision, are tried by `python -m tests.benchmarks.families`.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.families import CLASSES, FAMILIES, NOT_BUILT, VARIANTS, family_checkpoint
from tests.family_claims import CLAIMS, Subject
from viz import METHODS, Classifier, attribute
from viz.errors import MethodError, MissingAttentionError, VizError

NO_MAPS = {
    **dict.fromkeys(
        ["fnet", "mra", "yoso", "longformer", "reformer", "perceiver", "big_bird"],
        "it does not weigh every token against every other",
    ),
    **dict.fromkeys(
        ["canine", "funnel", "jamba", "minimax", "qwen3_5", "qwen3_5_text", "qwen3_next", "zamba",
         "zamba2"],
        r"only \d of its \d layers weigh every token against every other",
    ),
    **dict.fromkeys(["diffllama", "lilt"], "every token against every other 4 times in 2 layers"),
    "bigbird_pegasus": "the layers of its encoder do not each weigh every token",
}  # fmt: skip
"""Families without a map of each token by each token for every layer, and what is said of it."""

NOT_SPLIT = {"canine", "perceiver", "reformer", "yoso"}
"""Families whose network is more than is made linear: no decomposition, which a sentence says."""

NAMED = (
    "modernbert", "modernbert mean", "deberta-v2", "mpnet", "xlnet", "gpt2", "llama", "qwen2",
    "qwen3", "mistral", "gemma2", "gemma3", "eurobert", "nomic_bert", "gte", "albert",
    "xlm-roberta", "roformer", "rembert", "big_bird original_full", "t5", "bart", "fnet",
)  # fmt: skip
"""Those that people fine-tune most, and one without attention: every claim is tried."""

EXPORTED = frozenset({"modernbert", "xlnet", "gpt2", "t5", "fnet"})
"""Those of which pictures and pages are made too."""
FOR_ALL = ("logits", "maps", "parts", "bias")
OF_MAPS = ("layers", "open gates", "closed gates", "heads off")
HEADS_STAY_ON = {"jetmoe", "nystromformer"}
"""Families whose heads can't be turned off: experts take them up by the text, or a convolution of
the text is added to them."""
REFUSED = {"reformer hashed": "computes other classes for a text"}
"""What is not opened, and why."""


def family_of(name: str) -> str:
    return VARIANTS[name][0] if name in VARIANTS else name


def check(subject: Subject, name: str, claim: str) -> None:
    """That a claim holds, or is refused by the sentence that is expected of this family."""
    full = name == "big_bird original_full"
    refusal: dict[type[VizError], str] = {}
    if claim in ("parts", "bias") and family_of(name) in NOT_SPLIT:
        refusal = {MethodError: rf"{subject.classifier.architecture}.*choose another method\.$"}
    if claim in OF_MAPS and family_of(name) in NO_MAPS and not full:
        refusal = {MissingAttentionError: NO_MAPS[family_of(name)]}
    if claim == "heads off" and name in HEADS_STAY_ON:
        refusal = {MethodError: "Heads of this model can't be turned off"}
    for kind, sentence in refusal.items():
        with pytest.raises((kind, MethodError), match=sentence):
            CLAIMS[claim](subject)
        return
    CLAIMS[claim](subject)
    if claim == "maps":
        reason = subject.classifier.capabilities.no_attention
        assert bool(reason) == (family_of(name) in NO_MAPS and not full), reason


@pytest.mark.parametrize("name", sorted({*FAMILIES, *VARIANTS} - {*NAMED, *REFUSED}))
def test_what_is_shown_of_a_family_is_what_transformers_says(tmp_path: Path, name: str) -> None:
    subject = Subject(family_checkpoint(tmp_path / "folder", name))
    assert subject.classifier.labels == CLASSES
    for claim in (*FOR_ALL, "heads off"):
        check(subject, name, claim)


@pytest.mark.parametrize("name", NAMED)
def test_every_claim_holds_of_a_family_that_is_used_most(tmp_path: Path, name: str) -> None:
    subject = Subject(family_checkpoint(tmp_path / "folder", name))
    for claim in CLAIMS:
        if claim != "exports" or name in EXPORTED:
            check(subject, name, claim)


@pytest.mark.parametrize("name", ["modernbert", "deberta-v2", "llama", "qwen3", "gemma2", "t5"])
def test_parts_add_up_to_the_tenth_digit_in_double_precision(tmp_path: Path, name: str) -> None:
    subject = Subject(family_checkpoint(tmp_path / "folder", name), torch.float64)
    assert subject.parts_tolerance == 1e-10
    for claim in ("parts", "layers", "heads off"):
        check(subject, name, claim)


@pytest.mark.parametrize("name", ["gpt_oss", "perceiver", "funnel", "t5", "xlnet"])
def test_every_method_gives_a_score_for_each_token_or_a_sentence(tmp_path: Path, name: str) -> None:
    """GPT-OSS has a sink beside the tokens; Perceiver asks the text, and names no layers."""
    classifier = Classifier.load(family_checkpoint(tmp_path / "folder", name))
    reading = classifier.read("oil prices rise")
    explained, sentences = set(), []
    for method in METHODS:
        try:
            found = attribute(classifier, reading, method)
        except VizError as error:
            sentences.append(str(error))
        else:
            assert found.scores.shape == (reading.encoding.n_tokens,)
            assert np.isfinite(found.scores).all()
            explained.add(method)
    assert all(sentence.endswith(".") for sentence in sentences)
    assert explained >= {"occlusion", "lime", "shapley"}
    if name != "perceiver":
        assert explained >= {"decomposition", "input-x-gradient", "integrated-gradients"}
    if name == "gpt_oss":
        assert explained >= {"chefer", "attattr", "grad-attention", "rollout"}


@pytest.mark.parametrize("name", REFUSED)
def test_a_family_that_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(VizError, match=REFUSED[name]):
        Subject(family_checkpoint(tmp_path / "folder", name))


def test_most_families_are_opened_and_split() -> None:
    assert len(FAMILIES) + len(NOT_BUILT) == 127
    assert len(FAMILIES) >= 114
    assert len({*FAMILIES} - NOT_SPLIT) >= 100
    assert len({*FAMILIES} - {*NO_MAPS}) >= 100


def test_a_claim_that_is_wrong_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The yardstick measures: other weights than those of the folder are found by each claim."""
    subject = Subject(family_checkpoint(tmp_path / "folder", "gpt2"))
    other = Subject(family_checkpoint(tmp_path / "other", "gpt2", seed=1))
    monkeypatch.setattr(subject, "_plain", other.plain)
    claims: list[Callable[[Subject], None]] = [
        CLAIMS[name] for name in ("logits", "maps", "parts", "closed gates", "pair", "long text")
    ]
    for claim in claims:
        with pytest.raises(AssertionError):
            claim(subject)
