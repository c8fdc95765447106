"""A film of fine-tuning as a file: an animated page without a network, or its numbers."""

from collections.abc import Iterator

from viz.attention.rollout import place
from viz.attribution.descriptions import explained_scalar, verdict
from viz.comparison.film.film import Film, FilmFrame, RefusedFrame, changed_most
from viz.errors import SelectionError
from viz.export.data_formats import csv_file, json_text
from viz.export.html import standalone_page
from viz.export.json_record import prediction_values, span_values
from viz.export.numbers import Row, Values
from viz.export.page_content import PageContent
from viz.figures.citation import Citation, text_hash
from viz.model.installation import version
from viz.runs.history import History
from viz.widgets.film.payload import FILM, payload

FORMATS = {".html": "text/html", ".json": "application/json", ".csv": "text/csv"}
"""How the name of a file ends, and its type."""
HEADER = ("frame", "step", "epoch", "quantity", "place", "name", "value")


def film_file(film: Film, kind: str, run: History | None = None) -> bytes:
    """A film as a file.

    Args:
        film: All of its frames read.
        kind: How the name of the file ends, one of `FORMATS`.
        run: What happened in the training, for the curves of a page; None where that is not known.

    Raises:
        SelectionError: for a kind that there is not.
    """
    if kind == ".html":
        return film_html(film, run)
    if kind == ".csv":
        return csv_file(_rows(film))
    if kind == ".json":
        return json_text(film_values(film)).encode()
    raise SelectionError(f"A film can't be written as {kind!r}; it can be {', '.join(FORMATS)}.")


def film_html(film: Film, run: History | None = None) -> bytes:
    """A page that plays the film; it loads nothing, and its frames have small maps only."""
    name, probability = verdict(film.finished)
    return standalone_page(
        PageContent(((FILM, payload(film, run)),)),
        heading="Fine-tuning as a film",
        detail=f"{film.checkpoint}: {name} {probability}",
        title=f"{film.checkpoint} · fine-tuning as a film",
        notes=film.encoding.notes,
        caption=film_citation(film).sentence(),
    )


def film_citation(film: Film) -> Citation:
    """What a film is cited by."""
    return Citation(
        checkpoint=film.checkpoint,
        fingerprint=film.fingerprint,
        text_hash=text_hash(film.encoding),
        shows=f"{film.method_label} at {len(film.steps)} steps of fine-tuning",
        explains=explained_scalar(film.finished, film.target),
        settings=("words",),
        version=version(),
    )


def film_values(film: Film) -> Values:
    """All numbers as plain values, in the order of the frames; distances as (L, H)."""
    citation = film_citation(film)
    labels = film.finished.labels
    against = film.target.against_class
    return {
        "film": 1,
        "checkpoint": film.checkpoint,
        "fingerprint": film.fingerprint,
        "version": citation.version,
        "text": film.encoding.text,
        "pair": film.encoding.pair,
        "method": film.method,
        "explains": citation.explains,
        "target": labels[film.target.target_class],
        "against": None if against is None else labels[against],
        "words": span_values(film.spans),
        "frames": [_frame_values(film, index) for index in range(len(film.frames))],
        "onsets": [
            {"word": word, "frame": frame, "step": film.steps[frame].step}
            for word, frame in film.onsets().items()
        ],
    }


def _frame_values(film: Film, index: int) -> Values:
    step, frame = film.steps[index], film.frames[index]
    values: Values = {
        "step": step.step,
        "epoch": step.epoch,
        "final": step.is_final,
        "loss": step.loss,
        "validation": dict(step.validation),
    }
    if isinstance(frame, RefusedFrame):
        return values | {"refused": frame.reason}
    if frame is None:
        return values
    return values | {
        "prediction": prediction_values(frame.prediction),
        "value": frame.value,
        "scores": frame.scores.tolist(),
        "hidden": frame.hidden,
        "shares": _list(frame.shares),
        "distance_to_frame_before": _list(frame.from_before),
        "distance_to_base": _list(frame.from_base),
        "changed_most": None if frame.from_before is None else [*changed_most(frame.from_before)],
    }


def _list(values: object) -> object:
    return None if values is None else values.tolist()  # type: ignore[attr-defined]  # an array


def _rows(film: Film) -> Iterator[Row]:
    """One number a line, with what it is of: what pandas turns and groups at will."""
    yield HEADER
    onsets = film.onsets()
    for index, (step, frame) in enumerate(zip(film.steps, film.frames, strict=True)):
        where = (index, step.step, step.epoch)
        if step.loss is not None:
            yield (*where, "training loss", None, "", step.loss)
        for name, value in step.validation.items():
            yield (*where, "validation", None, name, value)
        if isinstance(frame, RefusedFrame):
            yield (*where, "refused", None, frame.reason, None)
        if isinstance(frame, FilmFrame):
            for quantity, at, name, value in _numbers(film, frame):
                yield (*where, quantity, at, name, value)
        for word, onset in onsets.items():
            if onset == index:
                yield (*where, "onset", word, film.spans[word].label, step.step)


def _numbers(film: Film, frame: FilmFrame) -> Iterator[tuple[str, int | None, str, float]]:
    prediction = frame.prediction
    for at, label in enumerate(prediction.labels):
        yield "logit", at, label, float(prediction.logits[at])
    if not prediction.regression:
        for at, label in enumerate(prediction.labels):
            yield "probability", at, label, float(prediction.probabilities[at])
    yield "explained", None, explained_scalar(film.finished, film.target), frame.value
    for at, span in enumerate(film.spans):
        yield "score", at, span.label, float(frame.scores[at])
    if frame.shares is not None and frame.hidden is not None:
        yield "hidden", None, explained_scalar(film.finished, film.target), frame.hidden
        for at, span in enumerate(film.spans):
            yield "share", at, span.label, float(frame.shares[at])
    for quantity, distances in (
        ("distance to frame before", frame.from_before),
        ("distance to base", frame.from_base),
    ):
        if distances is not None:
            for layer, heads in enumerate(distances):
                for head, distance in enumerate(heads):
                    yield quantity, None, place(layer, head), float(distance)
