"""The strip: the text as it was written, each word on the colour of its score."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from viz.attention.views import Span
from viz.attribution.descriptions import decimals
from viz.colors import PALETTES, Palette, mix, readable_ink
from viz.types import Encoding, FloatArray
from viz.widgets.shared.widget import Widget

HTML = """
<div class="root">
  <div class="text" data-testid="strip" role="group" tabindex="0"></div>
  <div class="tip" data-testid="strip-tip" id="tip" role="tooltip" hidden></div>
  <div class="legend">
    <span class="low"></span><span class="lowest"></span><span class="ramp"></span
    ><span class="highest"></span><span class="high"></span>
  </div>
  <p class="caption"></p>
</div>
"""

STRIP = Widget("strip", "colored_text/colored_text", HTML)

Kind = Literal["word", "gap", "unseen", "special"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the text, or a token that stands nowhere in it."""

    text: str
    kind: Kind
    score: float = 0.0
    error: float | None = None
    """The standard error of the score, where it has one."""


def payload(
    encoding: Encoding,
    spans: Sequence[Span],
    scores: FloatArray,
    *,
    errors: FloatArray | None = None,
    signed: bool,
) -> dict[str, object]:
    """What the browser is sent: one list of segments for each text, and the scale's ends."""
    if scores.shape != (len(spans),):
        raise ValueError(f"scores have shape {scores.shape} for {len(spans)} spans")
    finite = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    scale = Scale.over(spans, finite, signed=signed)
    return {
        "parts": [
            [_encoded(segment, scale) for segment in part]
            for part in segments(encoding, spans, finite, errors)
        ],
        "ramp": {
            theme: f"linear-gradient(to right, {', '.join(scale.colors(palette))})"
            for theme, palette in PALETTES.items()
        },
        "lowest": scale.written(-scale.largest) if signed else "0",
        "highest": scale.written(scale.largest),
    }


@dataclass(frozen=True, slots=True)
class Scale:
    """From a score to its colour and to its digits: one scale for the whole text."""

    largest: float
    """The largest score of a word, by size."""
    signed: bool

    @classmethod
    def over(cls, spans: Sequence[Span], scores: NDArray[np.floating], *, signed: bool) -> "Scale":
        """The scale of the words; special tokens have no say, so they don't wash words out."""
        words = [abs(float(s)) for span, s in zip(spans, scores, strict=True) if not span.special]
        return cls(max(words, default=0.0), signed)

    def colors(self, palette: Palette) -> tuple[str, ...]:
        """The colours from the lowest score to the highest."""
        return palette.diverging if self.signed else palette.sequential

    def pair(self, score: float, palette: Palette) -> tuple[str, str]:
        """Background and readable ink of a score."""
        share = score / self.largest if self.largest else 0.0
        ground = mix(self.colors(palette), 0.5 + share / 2 if self.signed else share)
        return ground, readable_ink(ground)

    def written(self, score: float) -> str:
        """The score with three decimals, or as many as show three digits of the largest."""
        places = decimals(self.largest)
        text = f"{score:+.{places}f}" if self.signed else f"{score:.{places}f}"
        return text.replace("-", "−") if text.strip("+-0.") else "0"

    def measured(self, segment: Segment) -> str:
        """The score of a segment, with its standard error where it is not exact."""
        if not segment.error:
            return self.written(segment.score)
        return f"{self.written(segment.score)} ± {self.written(segment.error).lstrip('+')}"


def _encoded(segment: Segment, scale: Scale) -> dict[str, object]:
    plain: dict[str, object] = {"text": segment.text, "kind": segment.kind}
    if segment.kind in ("word", "special"):
        plain["score"] = scale.measured(segment)
    if segment.kind == "word":
        plain |= {theme: scale.pair(segment.score, PALETTES[theme]) for theme in PALETTES}
    return plain


@dataclass(frozen=True, slots=True)
class _Scored:
    """A span with its score, and the variance of that where it is known."""

    span: Span
    score: float
    variance: float | None

    @property
    def error(self) -> float | None:
        return None if self.variance is None else math.sqrt(self.variance)


def segments(
    encoding: Encoding,
    spans: Sequence[Span],
    scores: NDArray[np.floating],
    errors: NDArray[np.floating] | None = None,
) -> list[list[Segment]]:
    """The text, and the second text of a pair, in segments; joined they are the text again.

    A special token stands where the model reads it: before the first word or behind the last of
    a text, never among its characters.
    """
    scored = [
        _Scored(span, float(score), None if errors is None else float(errors[index]) ** 2)
        for index, (span, score) in enumerate(zip(spans, scores, strict=True))
    ]
    parts = [
        list(_written(encoding, part, [one for one in scored if one.span.part == part]))
        for part in ((0,) if encoding.pair is None else (0, 1))
    ]
    for index in reversed(range(len(scored))):
        one = scored[index]
        if one.span.special:
            before = {other.part for other in spans[:index] if other.part is not None}
            part = parts[max(before, default=0)]
            special = Segment(one.span.label, "special", one.score, one.error)
            part.insert(_behind_words(part) if before else 0, special)
    return parts


def _behind_words(part: Sequence[Segment]) -> int:
    words = (index for index, segment in enumerate(part) if segment.kind == "word")
    return max(words, default=-1) + 1


def _written(encoding: Encoding, part: int, own: Sequence[_Scored]) -> Iterator[Segment]:
    """One text in segments: words, what stands between them, and what the model never saw."""
    text, cursor = encoding.part_text(part), 0
    for start, end, scored in _places(text, own):
        if start > cursor:
            yield _between(encoding, part, cursor, start)
        yield Segment(text[start:end], "word", scored.score, scored.error)
        cursor = end
    if cursor < len(text):
        yield _between(encoding, part, cursor, len(text))


def _between(encoding: Encoding, part: int, start: int, end: int) -> Segment:
    """What stands between two words, or around them: a gap, or what the model never saw."""
    cut = any(own.part == part and own.start < end and own.end > start for own in encoding.unseen)
    text = encoding.part_text(part)[start:end]
    return Segment(text, "unseen" if cut and text.strip() else "gap")


def _places(text: str, own: Sequence[_Scored]) -> list[tuple[int, int, _Scored]]:
    """Start, end and score of each word; spans that share characters are one, scores added up."""
    places: list[tuple[int, int, _Scored]] = []
    for scored in own:
        start, end = _trimmed(text, scored.span)
        if places and start < places[-1][1]:
            first, last, so_far = places[-1]
            places[-1] = (first, max(last, end), _together(so_far, scored))
        else:
            places.append((start, end, scored))
    limits = [*(start for start, _, _ in places[1:]), len(text)]
    return [
        (start, _behind_marks(text, end, limit), scored)
        for (start, end, scored), limit in zip(places, limits, strict=False)
    ]


def _together(one: _Scored, other: _Scored) -> _Scored:
    variance = None
    if one.variance is not None and other.variance is not None:
        variance = one.variance + other.variance
    return _Scored(one.span, one.score + other.score, variance)


def _behind_marks(text: str, end: int, limit: int) -> int:
    """The end of a word with the accents or emoji selectors that its tokenizer dropped."""
    while end < limit and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return end


def _trimmed(text: str, span: Span) -> tuple[int, int]:
    """The span without the blanks around it; some tokenizers count them to the word."""
    written = text[span.start : span.end]
    if not written.strip():
        return span.start, span.end
    lead = len(written) - len(written.lstrip())
    return span.start + lead, span.start + len(written.rstrip())
