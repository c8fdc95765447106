"""Why this class: every method behind one entry point, `attribute`."""

from importlib import import_module

from viz.attention.heads import heads_off
from viz.attribution.method import (
    AttributionInput,
    Method,
    Option,
    Options,
    TokenScores,
    no_progress,
)
from viz.attribution.registry import (
    METHODS,
    available_methods,
    default_methods,
    find_method,
    load_methods,
    register_method,
)
from viz.attribution.target import Against, Target, resolve_target, target_against_all
from viz.attribution.word_shares import with_word_shares
from viz.errors import SelectionError
from viz.jobs.background import ProgressCallback
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.types import Attribution, Reading

__all__ = [
    "METHODS", "Against", "AttributionInput", "Method", "Option", "Target", "TokenScores",
    "attribute", "available_methods", "check_read_by", "default_methods", "find_method",
    "reader_of", "register_method", "resolve_target", "shared_versions",
]  # fmt: skip

for _module in (
    *("decomposition", "decomposition_path", "decomposition_plus"),
    *("gradient", "attention", "norms", "value_zeroing", "random_baseline"),
    *("occlusion", "lime_shap", "shapley", "integrated_gradients"),
    *("attention_attribution", "decompx", "best_order"),
):
    import_module(f"viz.attribution.{_module}")  # registers its methods, in the order of the page
load_methods()


def attribute(
    classifier: Classifier,
    reading: Reading,
    method: str | Method = "decomposition",
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    options: Options | None = None,
    progress: ProgressCallback = no_progress,
    shared: Perturbation | None = None,
    shares: bool = True,
) -> Attribution:
    """Say how much each token of a reading speaks for a class.

    Args:
        classifier: The classifier that made the reading.
        reading: What `classifier.read` returned.
        method: A name in `METHODS`, or a method of your own; only one that was registered can be
            exported or measured by name.
        target_class: The class to explain; the predicted one where None.
        against: The class it is compared with: "runner-up" (the strongest other class), an index,
            or None for the plain logit.  The classes of a multi-label head do not compete, so there
            "runner-up" means None.  A method with `against_all` compares the class with all others
            together, whatever is given here.
        options: What the method lets choose, by name; the defaults for all others.
        progress: Called now and then with the passes done since; what it raises ends the work.
        shared: Versions of the text with words hidden that were read before.
        shares: Whether to read the text without its words too, so that `shown` add up
            to what hiding them changes, where scores are signed and of a class; three more rows.

    Returns:
        Scores (T,), the explained scalar and, for the decomposition, the bias.

    Raises:
        MethodError: for an unknown method or option, or one this architecture doesn't allow.
        SelectionError: for a class that doesn't exist, one compared with itself, or a reading of
            another classifier.
    """
    chosen = find_method(method)
    classifier = reader_of(classifier, reading)
    target = resolve_target(reading.prediction, target_class, against)
    if chosen.against_all:
        target = target_against_all(reading.prediction, target.target_class)
    values = chosen.resolve_options(options, classifier)
    versions = shared_versions(classifier, shared)
    inputs = AttributionInput(classifier, reading, target, values, progress, versions)
    result = chosen.run(inputs)
    attribution = Attribution(
        scores=result.scores,
        value=float(target.value(reading.prediction.logits)),
        bias=result.bias,
        method=chosen.name,
        target_class=target.target_class,
        against_class=target.against_class,
        settings={"against": against, "checkpoint": reading.checkpoint, **values},
        options=values,
        errors=result.errors,
        measured=result.measured,
        notes=result.notes,
        against_all=target.against_all,
        reading=reading,
    )
    return with_word_shares(attribution, chosen, inputs.perturbation) if shares else attribution


def reader_of(classifier: Classifier, reading: Reading) -> Classifier:
    """The classifier with the heads off that were off when a text was read.

    Raises:
        SelectionError: for a reading of another classifier, or with a head that is off now.
        MethodError: where the heads can't be turned off.
    """
    if set(classifier.off) <= set(reading.without):
        classifier = classifier.without(reading.without)
    check_read_by(classifier, reading)
    return classifier


def shared_versions(classifier: Classifier, shared: Perturbation | None) -> Perturbation | None:
    """Versions of a text that were read before; None where other heads were off then."""
    return shared if shared is not None and shared.classifier.off == classifier.off else None


def check_read_by(classifier: Classifier, reading: Reading) -> None:
    """Refuse a reading of another classifier, with other heads off, or that stands for a document.

    Raises:
        SelectionError: one sentence that says whose it is.
    """
    if reading.document is not None and reading.document.index is None:
        raise SelectionError(
            "This reading stands for all windows of a document; give the document to "
            "attribute_document or document_evidence, or take one of its windows."
        )
    if reading.without != classifier.off:
        raise SelectionError(
            f"This reading was made with {heads_off(reading.without)}, but the classifier has "
            f"{heads_off(classifier.off)}; read the text again."
        )
    if (reading.checkpoint, reading.prediction.labels) != (classifier.name, classifier.labels):
        raise SelectionError(
            f"This reading was made by {reading.checkpoint!r}, not by {classifier.name!r}; "
            "read the text again."
        )
