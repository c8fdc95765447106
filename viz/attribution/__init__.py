"""Why this class: every method behind one entry point, `attribute`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from viz.attribution.attention import ATTENTION, ROLLOUT
from viz.attribution.attention_attribution import ATTENTION_ATTRIBUTION
from viz.attribution.best_order import SEARCH
from viz.attribution.decomposition import DECOMPOSITION
from viz.attribution.decomposition_path import DECOMPOSITION_PATH
from viz.attribution.decomposition_plus import DECOMPOSITION_PLUS
from viz.attribution.decompx import DECOMPX_ABSDOT
from viz.attribution.gradient import CHEFER, GRAD_ATTENTION, INPUT_X_GRADIENT, SALIENCY
from viz.attribution.integrated_gradients import INTEGRATED_GRADIENTS
from viz.attribution.lime_shap import KERNEL_SHAP, LIME
from viz.attribution.method import (
    AttributionInput,
    Method,
    Option,
    Options,
    Target,
    TokenScores,
    against_all,
    no_progress,
)
from viz.attribution.norms import ALTI, GLOBENC, NORMS
from viz.attribution.occlusion import OCCLUSION
from viz.attribution.random_baseline import RANDOM
from viz.attribution.shapley import SHAPLEY
from viz.attribution.value_zeroing import VALUE_ZEROING
from viz.errors import MethodError, SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import Attribution, Prediction, Reading

__all__ = [
    "METHODS", "Against", "AttributionInput", "Method", "Option", "Target", "TokenScores",
    "attribute", "available_methods", "default_methods",
]  # fmt: skip

METHODS: Mapping[str, Method] = MappingProxyType(
    {
        method.name: method
        for method in (
            *(DECOMPOSITION, DECOMPOSITION_PATH, DECOMPOSITION_PLUS),
            *(GRAD_ATTENTION, INPUT_X_GRADIENT, CHEFER, SALIENCY),
            *(ROLLOUT, ATTENTION, NORMS, GLOBENC, ALTI, VALUE_ZEROING, RANDOM),
            *(OCCLUSION, LIME, KERNEL_SHAP, SHAPLEY, INTEGRATED_GRADIENTS),
            *(ATTENTION_ATTRIBUTION, DECOMPX_ABSDOT, SEARCH),
        )
    }
)
"""Every method by name; the first is the default."""

Against = Literal["runner-up"] | int | None


def attribute(
    classifier: Classifier,
    reading: Reading,
    method: str = "decomposition",
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    options: Options | None = None,
    progress: ProgressCallback = no_progress,
    shared: Perturbation | None = None,
) -> Attribution:
    """Say how much each token of a reading speaks for a class.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        method: A name in `METHODS`.
        target_class: The class to explain; the predicted one where None.
        against: The class held against it: "runner-up" (the strongest other class), an index, or
            None for the plain logit.  The classes of a multi-label head do not compete, so there
            "runner-up" means None.  A method that holds the class `against_all` others together
            does so whatever is given here.
        options: What the method lets choose, by name; the defaults for all others.
        progress: Called with the number of passes done, now and then; what it raises ends the work.
        shared: Versions of the text with words hidden that were read before.

    Returns:
        Scores (T,), the explained scalar and, for the decomposition, the bias.

    Raises:
        MethodError: for an unknown method or option, or one this architecture doesn't allow.
        SelectionError: for a class that doesn't exist, one held against itself, or a reading of
            another classifier.
    """
    how = find_method(method)
    check_read_by(classifier, reading)
    target = resolve_target(reading.prediction, target_class, against)
    if how.against_all:
        target = against_all(reading.prediction, target.target_class)
    chosen = how.resolve_options(options)
    split = how.run(AttributionInput(classifier, reading, target, chosen, progress, shared))
    return Attribution(
        scores=split.scores,
        value=explained(reading.prediction, target),
        bias=split.bias,
        method=method,
        target_class=target.target_class,
        against_class=target.against_class,
        settings={"against": against, "checkpoint": reading.checkpoint, **chosen},
        options=chosen,
        errors=split.errors,
        measured=split.measured,
        notes=split.notes,
        against_all=target.against_all,
        reading=reading,
    )


def available_methods(classifier: Classifier) -> list[str]:
    """The methods that a classifier allows, in the order of `METHODS`; a text may refuse more."""
    return [name for name, method in METHODS.items() if method.refusal(classifier) is None]


def default_methods(classifier: Classifier) -> list[str]:
    """Methods to explain with where nobody named one, each for when those before it are refused.

    Those that a classifier allows and no reader has to wait for, and at last `occlusion`, which
    asks for nothing but logits.
    """
    quick = [
        name
        for name in available_methods(classifier)
        if not METHODS[name].costly and not METHODS[name].control
    ]
    return [*quick, OCCLUSION.name]


def find_method(method: str) -> Method:
    """The method of that name.

    Raises:
        MethodError: where there is none.
    """
    if method not in METHODS:
        raise MethodError(f"Unknown method {method!r}; known are {', '.join(METHODS)}.")
    return METHODS[method]


def check_read_by(classifier: Classifier, reading: Reading) -> None:
    """Refuse a reading of another classifier."""
    if (reading.checkpoint, reading.prediction.labels) != (classifier.name, classifier.labels):
        raise SelectionError(
            f"This reading was made by {reading.checkpoint!r}, not by {classifier.name!r}; "
            "read the text again."
        )


def explained(prediction: Prediction, target: Target) -> float:
    """The explained scalar of a prediction."""
    return float(target.value(prediction.logits))


def resolve_target(prediction: Prediction, target_class: int | None, against: Against) -> Target:
    """Turn what a reader asked for into two class indices."""
    target = prediction.predicted_class if target_class is None else target_class
    _check_class(prediction, target)
    if against == "runner-up":
        return Target(target, None if prediction.multi_label else prediction.runner_up(target))
    if against is not None:
        _check_class(prediction, against)
        if against == target:
            raise SelectionError(
                f"Class {prediction.labels[target]!r} can't be held against itself; "
                "choose another class, or none."
            )
    return Target(target, against)


def _check_class(prediction: Prediction, index: int) -> None:
    if not (isinstance(index, int) and 0 <= index < len(prediction.labels)):
        raise SelectionError(
            f"Class {index!r} does not exist; the classes are 0 to {len(prediction.labels) - 1}."
        )
