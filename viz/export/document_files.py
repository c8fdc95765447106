"""The files of a document: maps window by window, scores of the whole text."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from viz.documents.document import Document
from viz.documents.window_text import window_reading
from viz.export.formats import Content
from viz.export.options import ExportOptions
from viz.figures.kinds import FIGURE_KINDS
from viz.model.classifier import Classifier


def document_files(
    options: ExportOptions,
    classifier: Classifier,
    document: Document,
    refusals: list[str] | None = None,
    *,
    window: int | None = None,
) -> Iterator[tuple[str, Content]]:
    """The name and content of each file of a document.

    Figures of maps are made of each window, with what it holds of the text; their classes are those
    of the document.  Figures of scores are made once, of the whole text.

    Args:
        options: What is made.
        classifier: The classifier that read the document.
        document: What the figures show.
        refusals: As in `ExportOptions.files`.
        window: The one window that all figures show, counted from 0; None for the whole.

    Raises:
        LongTextError: where a window has too many numbers for a file.
        SelectionError: where a file can't be made, or the request doesn't fit.
        MethodError: where the architecture doesn't allow the method, or scores don't add up.
    """
    own = options.request.target or document.prediction.label
    kinds = options.request.kinds
    if window is not None:
        reading = window_reading(classifier, document, window)
        yield from _of(options, kinds, target=own).files(classifier, reading, refusals)
        return
    maps = [name for name in kinds if FIGURE_KINDS[name].needs_maps]
    scores = [name for name in kinds if name not in maps]
    if scores:
        yield from _of(options, scores).files(classifier, document, refusals)
    if not maps:
        return
    of_windows = _of(options, maps, target=own)
    for index in range(len(document.windows)):
        reading = window_reading(classifier, document, index)
        yield from of_windows.files(classifier, reading, refusals)


def _of(options: ExportOptions, kinds: Sequence[str], target: str | None = None) -> ExportOptions:
    """The same of some kinds of figures, and of a class where one is named."""
    own = options.request.target if target is None else target
    return replace(options, request=replace(options.request, kinds=kinds, target=own))
