"""The colored text: the text as it was written, each word on the color of its score."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span, end_with_marks, without_blanks
from viz.attribution.descriptions import decimals, share_of_strongest, true_minus
from viz.colors import PALETTES, Palette, mix, readable_ink
from viz.types import BoolArray, Encoding
from viz.widgets.shared.impossible import HATCH
from viz.widgets.shared.widget import Widget

HTML = """
<div class="root">
  <div class="text" data-testid="colored-text" role="group" tabindex="0"></div>
  <div class="tip" data-testid="colored-text-tip" id="tip" role="tooltip" hidden></div>
  <div class="legend">
    <span class="low"></span><span class="lowest"></span><span class="ramp"></span
    ><span class="highest"></span><span class="high"></span>
  </div>
  <p class="caption"></p>
</div>
"""

COLORED_TEXT = Widget("colored-text", "colored_text/colored_text", HTML)

Kind = Literal["word", "gap", "unseen", "special"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the text, or a token that stands nowhere in it."""

    text: str
    kind: Kind
    score: float = 0.0
    error: float | None = None
    """The standard error of the score, where it has one."""
    impossible: bool = False
    """Whether the token that looks can't look there."""
    token: int | None = field(default=None, compare=False)
    """Its first token."""


def payload(
    encoding: Encoding,
    spans: Sequence[Span],
    scores: FloatArray,
    *,
    errors: FloatArray | None = None,
    signed: bool,
    relative: bool = False,
    impossible: BoolArray | None = None,
    largest: float | None = None,
    selectable: bool = False,
) -> dict[str, object]:
    """What the browser is sent: one list of segments for each text, and the ends of the scale.

    Args:
        encoding: The text that was read.
        spans: In reading order.
        scores: (n,)
        errors: (n,), standard errors of the scores.
        signed: Whether scores below 0 speak against something.
        relative: Whether scores are written as percentages of the strongest word's.
        impossible: (n,), spans that can't be looked at; None where all can be.
        largest: The score at the end of the color scale; the largest of a word where None.
        selectable: Whether words say which token they begin with, to be chosen.
    """
    if scores.shape != (len(spans),):
        raise ValueError(f"scores have shape {scores.shape} for {len(spans)} spans")
    finite = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    scale = ColorScale.fit(spans, finite, signed=signed, relative=relative)
    if largest is not None:
        scale = replace(scale, largest=largest)
    return {
        "parts": [
            [_encode(segment, scale, selectable=selectable) for segment in part]
            for part in segments(encoding, spans, finite, errors, impossible)
        ],
        "ramp": {
            theme: f"linear-gradient(to right, {', '.join(scale.colors(palette))})"
            for theme, palette in PALETTES.items()
        },
        "lowest": scale.format(-scale.largest) if signed else "0",
        "highest": scale.format(scale.largest),
        **({} if impossible is None or not impossible.any() else {"impossible": {"hatch": HATCH}}),
    }


@dataclass(frozen=True, slots=True)
class ColorScale:
    """From a score to its color and to its digits: one scale for the whole text."""

    largest: float
    """The largest score of a word, by size."""
    signed: bool
    relative: bool = False
    """Whether scores are written as percentages of the largest."""

    @classmethod
    def fit(
        cls,
        spans: Sequence[Span],
        scores: NDArray[np.floating],
        *,
        signed: bool,
        relative: bool = False,
    ) -> "ColorScale":
        """The scale of the words; special tokens have no say, so they don't wash words out."""
        words = [abs(float(s)) for span, s in zip(spans, scores, strict=True) if not span.special]
        return cls(max(words, default=0.0), signed, relative)

    def colors(self, palette: Palette) -> tuple[str, ...]:
        """The colors from the lowest score to the highest."""
        return palette.diverging if self.signed else palette.sequential

    def colors_of(self, score: float, palette: Palette) -> tuple[str, str]:
        """The background of a score, and a color of text that can be read on it."""
        share = score / self.largest if self.largest else 0.0
        background = mix(self.colors(palette), 0.5 + share / 2 if self.signed else share)
        return background, readable_ink(background)

    def format(self, score: float) -> str:
        """The score with three decimals, or as many as show three digits of the largest."""
        if self.relative:
            return share_of_strongest(score, self.largest, signed=self.signed)
        places = decimals(self.largest)
        text = f"{score:+.{places}f}" if self.signed else f"{score:.{places}f}"
        return true_minus(text) if text.strip("+-0.") else "0"

    def format_with_error(self, segment: Segment) -> str:
        """The score of a segment, with its standard error where it is not exact."""
        if not segment.error:
            return self.format(segment.score)
        return f"{self.format(segment.score)} ± {self.format(segment.error).lstrip('+')}"


def _encode(segment: Segment, scale: ColorScale, *, selectable: bool = False) -> dict[str, object]:
    data: dict[str, object] = {"text": segment.text, "kind": segment.kind}
    if selectable and segment.token is not None:
        data["token"] = segment.token
    if segment.impossible:
        return data | {"impossible": True}
    if segment.kind in ("word", "special"):
        data["score"] = scale.format_with_error(segment)
    if segment.kind == "word":
        data |= {theme: scale.colors_of(segment.score, PALETTES[theme]) for theme in PALETTES}
    return data


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A span with its score, and the variance of that where it is known."""

    span: Span
    score: float
    variance: float | None
    impossible: bool = False

    @property
    def error(self) -> float | None:
        """The standard error of the score."""
        return None if self.variance is None else math.sqrt(self.variance)

    def add(self, other: "ScoredSpan") -> "ScoredSpan":
        """This span with the scores of both, whose errors are independent."""
        variance = None
        if self.variance is not None and other.variance is not None:
            variance = self.variance + other.variance
        impossible = self.impossible and other.impossible
        return ScoredSpan(self.span, self.score + other.score, variance, impossible)


def segments(
    encoding: Encoding,
    spans: Sequence[Span],
    scores: NDArray[np.floating],
    errors: NDArray[np.floating] | None = None,
    impossible: BoolArray | None = None,
) -> list[list[Segment]]:
    """The text, and the second text of a pair, in segments; joined they are the text again.

    A special token stands where the model reads it: before the first word or behind the last of
    a text, never among its characters.
    """
    variances = [None] * len(spans) if errors is None else [float(error) ** 2 for error in errors]
    forbidden = [False] * len(spans) if impossible is None else impossible.tolist()
    scored = [
        ScoredSpan(span, float(score), variance, cannot)
        for span, score, variance, cannot in zip(spans, scores, variances, forbidden, strict=True)
    ]
    parts = [
        list(_segment_text(encoding, part, [one for one in scored if one.span.part == part]))
        for part in ((0,) if encoding.pair is None else (0, 1))
    ]
    for index in reversed(range(len(scored))):
        one = scored[index]
        if one.span.special:
            before = {other.part for other in spans[:index] if other.part is not None}
            part = parts[max(before, default=0)]
            special = Segment(
                one.span.label, "special", one.score, one.error, one.impossible, one.span.tokens[0]
            )
            part.insert(_end_of_words(part) if before else 0, special)
    return parts


def _end_of_words(part: Sequence[Segment]) -> int:
    words = (index for index, segment in enumerate(part) if segment.kind == "word")
    return max(words, default=-1) + 1


def _segment_text(encoding: Encoding, part: int, scored: Sequence[ScoredSpan]) -> Iterator[Segment]:
    """One text in segments: words, what stands between them, and what the model never saw."""
    text, cursor = encoding.part_text(part), 0
    for start, end, one in _word_boundaries(text, scored):
        if start > cursor:
            yield _between_words(encoding, part, cursor, start)
        first = one.span.tokens[0]
        yield Segment(text[start:end], "word", one.score, one.error, one.impossible, first)
        cursor = end
    if cursor < len(text):
        yield _between_words(encoding, part, cursor, len(text))


def _between_words(encoding: Encoding, part: int, start: int, end: int) -> Segment:
    """A gap, or what the model never saw."""
    unseen = any(
        own.part == part and own.start < end and own.end > start for own in encoding.unseen
    )
    text = encoding.part_text(part)[start:end]
    return Segment(text, "unseen" if unseen and text.strip() else "gap")


def _word_boundaries(text: str, scored: Sequence[ScoredSpan]) -> list[tuple[int, int, ScoredSpan]]:
    """Start, end and score of each word; spans that share characters are one, scores added up."""
    words: list[tuple[int, int, ScoredSpan]] = []
    for one in scored:
        start, end = without_blanks(text, one.span.start, one.span.end)
        if words and start < words[-1][1]:
            first, last, before = words[-1]
            words[-1] = (first, max(last, end), before.add(one))
        else:
            words.append((start, end, one))
    limits = [*(start for start, _, _ in words[1:]), len(text)]
    return [
        (start, end_with_marks(text, end, limit), one)
        for (start, end, one), limit in zip(words, limits, strict=False)
    ]
