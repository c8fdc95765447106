"""What a small model of a family is seen to do: the entries of families.json, made anew."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from finetune.errors import FinetuneError
from tests.families import NOT_BUILT, family_checkpoint
from tests.family_claims import CLAIMS, Subject, outcome
from tests.family_training import train_three_steps
from viz import METHODS
from viz.errors import VizError, as_sentence
from viz.model.family_record import FamilyRecord

LAYER_METHODS = ("norms", "globenc", "alti", "value-zeroing", "decompx-absdot")


def record_of(family: str, data: Path) -> FamilyRecord:
    """Build, open, try and train a model of a family.

    Args:
        family: As transformers calls it.
        data: A file of rows to train on.
    """
    if family in NOT_BUILT:
        reason = f"No small model of it could be built and tried: it {NOT_BUILT[family]}."
        return FamilyRecord(opens=reason, trains=reason)
    with TemporaryDirectory() as folder:
        trains = _reason(lambda: train_three_steps(family, data, Path(folder)))
    with TemporaryDirectory() as folder:
        path = family_checkpoint(Path(folder) / family, family)
        opened: list[Subject] = []
        opens = _reason(lambda: opened.append(Subject(path, torch.float32)))
        if not opened:
            return FamilyRecord(opens=opens, trains=trains)
        (subject,) = opened
        return _opened(subject, trains)


def _opened(subject: Subject, trains: str) -> FamilyRecord:
    proved = subject.classifier.capabilities
    attention = proved.no_attention or _claimed(subject, "maps")
    return FamilyRecord(
        attention=attention,
        encoder_only=not attention and subject.classifier.config.is_encoder_decoder,
        reads=proved.reads,
        decomposition=_claimed(subject, "parts", "layers")
        if not attention
        else _claimed(subject, "parts"),
        gates=attention or _claimed(subject, "open gates", "closed gates"),
        layer_methods=tuple(
            name for name in LAYER_METHODS if METHODS[name].refusal(subject.classifier) is None
        ),
        trains=trains,
    )


def _claimed(subject: Subject, *claims: str) -> str:
    return next(filter(None, (_reason(lambda c=c: CLAIMS[c](subject)) for c in claims)), "")  # type: ignore[misc]


def _reason(claim: Callable[[], object]) -> str:
    """Why a claim is refused; empty where it holds.

    Raises:
        AssertionError: where it is wrong.
    """

    def tried() -> None:
        try:
            claim()
        except FinetuneError as error:
            raise VizError(as_sentence(error)) from error

    text = outcome(tried)
    if text and not text.startswith("refused: "):
        raise AssertionError(text)
    return text.removeprefix("refused: ")
