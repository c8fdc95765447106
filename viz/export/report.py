"""A reading with its attribution in words and numbers: as lines of text, and as plain values."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from viz.attention import deciding_token
from viz.attention.heads import heads_off
from viz.attention.long_attention import LongAttention
from viz.attention.words import merge, spans
from viz.attribution import find_method
from viz.attribution.descriptions import (
    is_relative,
    percent,
    quantity,
    share_of_strongest,
    summary,
    verdict,
)
from viz.documents.document import Document
from viz.export.json_record import (
    pooling_values,
    prediction_values,
    token_values,
    without_values,
)
from viz.types import Attribution, Prediction, Reading

MAX_CLASSES = 10
"""Classes that are listed in text."""
MAX_WORDS = 10
BAR_CHARS = 24
"""Of a bar for the whole."""


def record(reading: Reading, attribution: Attribution | None) -> dict[str, object]:
    """All but the attention weights, as plain values that JSON can hold.

    Without an attribution, `attribution` is null.
    """
    encoding, labels = reading.encoding, reading.prediction.labels
    return {
        "checkpoint": reading.checkpoint,
        "fingerprint": reading.fingerprint,
        "text": encoding.text,
        "pair": encoding.pair,
        **prediction_values(reading.prediction),
        "tokens": token_values(encoding),
        **pooling_values(reading),
        **without_values(reading),
        "attribution": None if attribution is None else _scores(attribution, labels),
        "notes": list(encoding.notes),
        **_long_values(reading),
    }


def _long_values(reading: Reading) -> dict[str, object]:
    """Of a long text, what is known of its heads, each (L, H), and how to get their maps."""
    attention = reading.attention
    if not isinstance(attention, LongAttention):
        return {}
    statistics = attention.statistics
    values = {each.name: getattr(statistics, each.name).tolist() for each in statistics.statistics}
    return {"head_statistics": values, "maps": maps_sentence(attention)}


def maps_sentence(attention: LongAttention) -> str:
    """How to get maps that are not kept."""
    return (
        f"Where the {attention.n_layers} × {attention.n_heads} heads look among "
        f"{attention.n_tokens:,} tokens is computed when asked for: clsight export atlas, or head "
        "--layer 0 --head 0, and of it a region by --rows 0:100 --columns 0:100."
    )


def document_record(document: Document, attribution: Attribution | None) -> dict[str, object]:
    """The same of a document: all of its tokens, and what each of its windows says."""
    values = record(document.pooled_reading, attribution)
    windows = [
        {
            "start": window.start,
            "end": window.end,
            "n_tokens": window.encoding.n_tokens,
            "logits": window.logits.tolist(),
        }
        for window in document.windows
    ]
    settings = asdict(document.settings)
    unseen = [{"start": span.start, "end": span.end} for span in document.unseen]
    return values | {
        "windows": settings | {"of": windows, "unseen": unseen},
        "notes": [*document.notes, *(attribution.notes if attribution else ())],
    }


def _scores(attribution: Attribution, labels: Sequence[str]) -> dict[str, object]:
    against = attribution.against_class
    return {
        "method": attribution.method,
        "target_class": labels[attribution.target_class],
        "against_class": None if against is None else labels[against],
        "against_all": attribution.against_all,
        "value": attribution.value,
        "bias": attribution.bias,
        "scores": attribution.scores.tolist(),
        "hidden": None if attribution.shares is None else attribution.shares.hidden,
        "shares": None if attribution.shares is None else attribution.shares.scores.tolist(),
        "notes": list(attribution.notes),
    }


def report(reading: Reading, attribution: Attribution | None) -> Iterator[str]:
    """Lines for people: the class, the likeliest classes with bars, the strongest words.

    Without an attribution, the classes alone.
    """
    names, probability = verdict(reading.prediction)
    if reading.prediction.regression:
        yield f"{names} {probability} says {reading.checkpoint}"
    else:
        yield f"{names} ({probability}) says {reading.checkpoint}"
        yield ""
        yield from _classes(reading.prediction)
    if reading.without:
        yield f"\nRead with {heads_off(reading.without)}."
    if isinstance(reading.attention, LongAttention):
        yield from _heads(reading.attention)
    if attribution is None:
        return
    method = find_method(attribution.method)
    by = deciding_token.named(method.label.lower(), deciding_token.name_of(reading))
    yield f"\nStrongest words by {by}"
    if method.caveat is not None:
        yield method.caveat
    yield from _words(reading, attribution)
    yield summary(reading, attribution)
    yield from attribution.notes


def _heads(attention: LongAttention) -> Iterator[str]:
    """How many heads of each pattern there are in a long text, and how to see them."""
    patterns, counts = np.unique(attention.statistics.pattern, return_counts=True)
    by_count = sorted(zip(counts.tolist(), patterns.tolist(), strict=True), reverse=True)
    yield "\nHeads by their pattern: " + ", ".join(f"{count} {name}" for count, name in by_count)
    yield maps_sentence(attention)


def _classes(prediction: Prediction) -> Iterator[str]:
    """The likeliest classes as a small table with bars."""
    order = prediction.probabilities.argsort()[::-1]
    width = max(len(prediction.labels[index]) for index in order[:MAX_CLASSES])
    for index in order[:MAX_CLASSES]:
        probability = float(prediction.probabilities[index])
        bar = "█" * round(probability * BAR_CHARS)
        yield f"  {prediction.labels[index]:<{width}}  {percent(probability):>8}  {bar}".rstrip()
    if len(order) > MAX_CLASSES:
        yield f"  and {len(order) - MAX_CLASSES} more"


def _words(reading: Reading, attribution: Attribution) -> Iterator[str]:
    """The words with the largest scores, strongest first."""
    signed = find_method(attribution.method).signed
    words = spans(reading.encoding)
    scores = merge(attribution.shown, words)
    labeled = [(s, word.label) for s, word in zip(scores, words, strict=True) if not word.special]
    labeled.sort(key=lambda pair: -abs(pair[0]))
    if is_relative(attribution):
        strongest = max((abs(score) for score, _ in labeled), default=0.0)
        write = partial(share_of_strongest, strongest=strongest, signed=signed)
    else:
        regression = reading.prediction.regression
        write = partial(quantity, places=3, signed=signed, regression=regression)
    for score, label in labeled[:MAX_WORDS]:
        yield f"  {write(score):>8}  {label}"
