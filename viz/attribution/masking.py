"""What the methods that hide words share: their options, and the value that they observe."""

from collections.abc import Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attribution.method import AttributionInput, Option
from viz.attribution.target import Target, target_against_all
from viz.model.classifier import Classifier
from viz.model.perturbation import OPERATORS, BoolArray, Operator


def lacks_token(classifier: Classifier, choice: str) -> str | None:
    """Why a classifier can't hide words by a token of the tokenizer; None where it can."""
    tokenizer = classifier.tokenizer
    ids = {
        "mask": tokenizer.mask_token_id,
        "both": tokenizer.mask_token_id,
        "pad": tokenizer.pad_token_id,
    }
    if ids.get(choice, 0) is not None:
        return None
    name = "pad" if choice == "pad" else "mask"
    return f"the tokenizer of this checkpoint has no {name} token"


OPERATOR_OPTION = Option(
    name="operator",
    label="Hide words by",
    default="mask",
    help="A hidden word is replaced by the tokenizer's mask token, or taken out.",
    choices=OPERATORS,
    lacks=lacks_token,
)
SEED_OPTION = Option(
    name="seed",
    label="Seed",
    default=0,
    help="The same seed hides the same words.",
    minimum=0,
)


def explained_values(inputs: AttributionInput, keep: BoolArray, operator: Operator) -> FloatArray:
    """The explained scalar of each version, in double precision.  (N, n) -> (N,)"""
    return inputs.target.value(inputs.perturbation.logits(keep, operator).astype(np.float64))


def log_odds(inputs: AttributionInput, keep: BoolArray, operator: Operator) -> FloatArray:
    """Log-odds of the explained class against all others together.  (N, n) -> (N,)

    The classes of a multi-label head do not compete: there, as for a head of one class, it is the
    plain logit.
    """
    logits = inputs.perturbation.logits(keep, operator).astype(np.float64)
    return against_all_target(inputs).value(logits)


def against_all_target(inputs: AttributionInput) -> Target:
    """The explained class against all others together, whatever the reader compares it with.

    Of a window of a document it is the window's part of that.
    """
    if inputs.target.weights is not None:
        return inputs.target
    return target_against_all(inputs.reading.prediction, inputs.target.target_class)


def all_subsets(n: int) -> BoolArray:
    """Every set of n words: none first, all last; word i is bit i.  (2^n, n)"""
    bits: BoolArray = (np.arange(2**n)[:, None] >> np.arange(n)) & 1 == 1
    return bits


def descending_order(scores: Sequence[float] | FloatArray) -> list[int]:
    """Indices from the highest score to the lowest; the first of equals comes first."""
    return [int(index) for index in np.argsort(-np.asarray(scores), kind="stable")]
