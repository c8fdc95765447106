"""The files of a document: maps window by window, scores of the whole text."""

from collections.abc import Iterator
from dataclasses import replace

from viz.attribution import resolve_target
from viz.attribution.class_names import class_indices
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

    Figures of maps are made of each window, with what it holds of the text; their classes, the one
    that is explained and the one it is compared with, are those of the document.  Figures of scores
    are made once, of the whole text.

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
    request, of_whole = options.request, []
    if window is None:
        of_whole = [name for name in request.kinds if not FIGURE_KINDS[name].needs_maps]
        windows = range(len(document.windows))
    else:
        windows = range(window, window + 1)
    if of_whole:
        whole = replace(options, request=replace(request, kinds=of_whole))
        yield from whole.files(classifier, document, refusals)
    of_windows = [name for name in request.kinds if name not in of_whole]
    if not of_windows:
        return
    # Each window by itself may have another class, and another runner-up.
    classes = class_indices(document.prediction, request.target, request.against)
    target = resolve_target(document.prediction, *classes)
    each = replace(
        options,
        request=replace(
            request,
            kinds=of_windows,
            target=target.target_class,
            against=target.against_class,
        ),
    )
    for index in windows:
        reading = window_reading(classifier, document, index)
        yield from each.files(classifier, reading, refusals)
