"""Attributions asked for by the names of classes, as people write them, or by their indices."""

from contextlib import suppress

from viz.attribution import Against, attribute, default_methods
from viz.attribution.method_spec import MethodSpec
from viz.errors import MethodError, SelectionError
from viz.model.classifier import Classifier
from viz.types import Attribution, Prediction, Reading

ClassName = str | int
"""A class by its name, or by its index, which is right where two classes have one name."""
MAX_CLASSES_LISTED = 10
"""Classes named in an error."""


def attribute_by_name(
    classifier: Classifier,
    reading: Reading,
    method: str | None,
    *,
    target: ClassName | None,
    against: ClassName | None,
    shares: bool = True,
) -> Attribution:
    """Attribute a reading, its classes given by name.

    Args:
        classifier: The classifier that made the reading.
        reading: What it read.
        method: A name in `METHODS`, options behind colons: `lime:rows=200`; None for the first one
            that classifier and text allow.
        target: The class to explain; the predicted one where None.
        against: The class it is compared with, `runner-up`, or `none` or None for the plain logit.
        shares: As for `attribute`.

    Raises:
        MethodError: as `attribute` does.
        SelectionError: if there is no such class, or it is compared with itself.
    """
    classes = class_indices(reading.prediction, target, against)
    if method is None:
        return _by_default(classifier, reading, classes, shares=shares)
    spec = MethodSpec.parse(method, classifier=classifier)
    return attribute(
        classifier,
        reading,
        spec.method.name,
        *classes,
        options=spec.options,
        shares=shares,
    )


def _by_default(
    classifier: Classifier,
    reading: Reading,
    classes: tuple[int | None, Against],
    *,
    shares: bool,
) -> Attribution:
    *some, last = default_methods(classifier)
    for name in some:
        with suppress(MethodError):
            return attribute(classifier, reading, name, *classes, shares=shares)
    return attribute(classifier, reading, last, *classes, shares=shares)


def class_indices(
    prediction: Prediction, target: ClassName | None, against: ClassName | None
) -> tuple[int | None, Against]:
    """The two classes as `attribute` and `contribution` take them.

    Raises:
        SelectionError: if there is no such class.
    """
    target_class = class_index(prediction, target) if isinstance(target, str) else target
    return target_class, _against(prediction, against) if isinstance(against, str) else against


def class_index(prediction: Prediction, name: str) -> int:
    """The index of a class by its name, in any case where that is clear."""
    labels = prediction.labels
    if name in labels:
        return labels.index(name)
    folded = [label.casefold() for label in labels]
    if folded.count(name.casefold()) == 1:
        return folded.index(name.casefold())
    listed = ", ".join(labels[:MAX_CLASSES_LISTED]) + (
        ", ..." if len(labels) > MAX_CLASSES_LISTED else ""
    )
    raise SelectionError(f"There is no class {name!r}; the classes are {listed}.")


def _against(prediction: Prediction, name: str) -> Against:
    if name in prediction.labels:
        return prediction.labels.index(name)
    if name == "none":
        return None
    return "runner-up" if name == "runner-up" else class_index(prediction, name)
