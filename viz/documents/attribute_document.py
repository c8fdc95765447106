"""Why a document is put into a class: its windows explained one by one, stitched token by token."""

from contextlib import suppress

from viz.attention.words import spans
from viz.attribution import (
    Against,
    AttributionInput,
    Method,
    default_methods,
    find_method,
    resolve_target,
)
from viz.attribution.method import Options, no_progress
from viz.attribution.target import target_against_all
from viz.attribution.word_shares import share_passes, with_word_shares
from viz.documents.document import Document
from viz.documents.document_versions import DocumentVersions
from viz.documents.stitching import StitchedScores, window_parts
from viz.errors import MethodError
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier
from viz.types import Attribution, Encoding


def attribute_document(
    classifier: Classifier,
    document: Document,
    method: str | Method | None = None,
    target_class: int | None = None,
    against: Against = "runner-up",
    *,
    options: Options | None = None,
    progress: ProgressCallback = no_progress,
    shares: bool = True,
) -> Attribution:
    """Say how much each token of a document speaks for a class, whatever its length.

    Windows are explained one after the other, and the maps of none are kept.

    Args:
        classifier: The classifier that read the document.
        document: What `read_document` returned.
        method: A name in `METHODS`, or a method; where None, the first one that classifier and text
            allow.
        target_class: The class to explain; the predicted one where None.
        against: The class it is compared with, as for `attribute`: "runner-up" is that of the
            pooled logits.
        options: What the method lets choose, by name; the defaults for all others.
        progress: Called now and then with the passes done since, `document_passes` in all; what it
            raises ends the work.
        shares: As for `attribute`; each window is read three times more.

    Returns:
        Scores of the tokens of `document.encoding`, (T,).  Of a method that splits the scalar of a
        window, scores and bias add up to that of the pooled logits; `measured` holds the `gap`.

    Raises:
        MethodError: for an unknown method or option, one that this architecture doesn't allow or
            that orders the words of one reading, and where scores and bias don't add up.
        SelectionError: for a class that doesn't exist, one compared with itself, or a document of
            another classifier.
    """
    classifier = document.reader(classifier)
    if method is None:
        *some, last = default_methods(classifier)
        for name in some:
            with suppress(MethodError):
                return attribute_document(
                    classifier,
                    document,
                    name,
                    target_class,
                    against,
                    progress=progress,
                    shares=shares,
                )
        method = last
    chosen = find_method(method)
    target = resolve_target(document.prediction, target_class, against)
    if chosen.against_all:
        target = target_against_all(document.prediction, target.target_class)
    values = chosen.resolve_options(options, classifier)
    if len(document.windows) > 1 and not chosen.by_window:
        raise MethodError(
            f"{chosen.label} orders the words of a text that is read at once, and this one is read "
            f"in {len(document.windows):,} windows; choose another method."
        )
    parts = window_parts(document, target, class_specific=chosen.class_specific)
    stitched = StitchedScores(document, signed=chosen.signed)
    for part in parts:
        check_cancelled()
        reading = document.reading(classifier, part.window)
        bar = _Progress(progress, _passes(reading.encoding, chosen, values, classifier.n_layers))
        inputs = AttributionInput(classifier, reading, part.target, values, bar.advance)
        stitched.add(part, chosen.run(inputs))
        bar.finish()
    value = float(target.value(document.prediction.logits))
    rest = value - sum(
        part.weight * float(part.target.value(document.windows[part.window].logits))
        for part in parts
    )
    result = stitched.result(chosen.label, value, rest)
    attribution = Attribution(
        scores=result.scores,
        value=value,
        bias=result.bias,
        method=chosen.name,
        target_class=target.target_class,
        against_class=target.against_class,
        settings={"against": against, "checkpoint": document.checkpoint, **values},
        options=values,
        errors=result.errors,
        measured=result.measured,
        notes=result.notes,
        against_all=target.against_all,
        reading=document.pooled_reading,
    )
    if not shares:
        return attribution
    versions = DocumentVersions(classifier, document, progress)
    words = [span for span in spans(document.encoding) if not span.special]
    return with_word_shares(attribution, chosen, versions.hiding(words))


def document_passes(
    classifier: Classifier,
    document: Document,
    method: str | Method,
    options: Options | None = None,
    *,
    shares: bool = True,
) -> float:
    """About how many plain forward passes of one window an attribution of a document will take."""
    chosen = find_method(method)
    values = chosen.resolve_options(options, classifier)
    passes = sum(
        _passes(window.encoding, chosen, values, classifier.n_layers) for window in document.windows
    )
    return passes + (share_passes(chosen) * len(document.windows) if shares else 0)


def _passes(encoding: Encoding, method: Method, options: Options, n_layers: int) -> float:
    """Those of one window, which is read once more."""
    n_words = sum(not span.special for span in spans(encoding))
    return 1 + method.forward_passes(n_words, n_layers, options)


class _Progress:
    """Reports the passes of one window, in the end as many as were expected."""

    def __init__(self, progress: ProgressCallback, expected: float) -> None:
        self._progress = progress
        self._left = expected

    def advance(self, passes: float) -> None:
        self._left -= passes
        self._progress(passes)

    def finish(self) -> None:
        if self._left > 0:
            self._progress(self._left)
