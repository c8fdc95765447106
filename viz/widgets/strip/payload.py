"""The strip: a long text from its first to its last character, sentence by sentence.

Above stand the windows that the model read it in, as bars that overlap; what no window saw is gray.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.words import Span
from viz.colors import PALETTES, mix
from viz.types import Encoding
from viz.widgets.colored_text.payload import ColorScale
from viz.widgets.shared.widget import Widget

N_COLORS = 101
"""Colors of the scale; odd, so that 0 is one of them."""
MAX_LABEL_CHARS = 90
"""Characters of a sentence that stand beside its score; longer ones are shortened."""

HTML = """
<div class="root">
  <div class="head">
    <p class="title"><strong class="name"></strong> <span class="note"></span></p>
    <span class="tools">
      <button class="tool previous" data-testid="strip-previous" aria-label="Previous passage"
        title="Previous passage">‹</button>
      <span class="passage-name" data-testid="strip-passage" aria-live="polite"></span>
      <button class="tool next" data-testid="strip-next" aria-label="Next passage"
        title="Next passage">›</button>
    </span>
  </div>
  <div class="area">
    <div class="windows" data-testid="strip-windows" role="group"></div>
    <div class="lane">
      <canvas data-testid="strip" tabindex="0" role="slider" aria-valuemin="1"></canvas>
      <div class="passage" hidden></div>
      <div class="cursor" hidden></div>
    </div>
    <div class="tip" data-testid="strip-tip" role="tooltip" hidden></div>
  </div>
  <div class="legend">
    <span class="low"></span><span class="lowest"></span><span class="ramp"></span
    ><span class="highest"></span><span class="high"></span><span class="unseen"></span>
  </div>
  <p class="caption"></p>
</div>
"""

STRIP = Widget("strip", "strip/strip", HTML)


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowBar:
    """One window over the text."""

    start: int
    """Its first character."""
    end: int
    """One past its last one."""
    name: str
    """What it says by itself, as short as it can be."""
    score: float
    """The explained scalar of this window alone."""
    title: str
    """The same in a sentence."""


def payload(
    encoding: Encoding,
    sentences: Sequence[Span],
    scores: FloatArray,
    *,
    signed: bool,
    relative: bool = False,
    paragraphs: Sequence[Span] = (),
    passages: Sequence[Span] = (),
    passage: int | None = None,
    windows: Sequence[WindowBar] = (),
    window: int | None = None,
) -> dict[str, object]:
    """What the browser is sent: places in characters, and a color for each sentence and window.

    Args:
        encoding: The text; `unseen` says what no window saw.
        sentences: The sentences that were read, or stretches of long ones, in reading order.
        scores: (n,), one for each of them.
        signed: Whether scores below 0 speak against something.
        relative: Whether scores are written as percentages of the strongest one.
        paragraphs: Where paragraphs begin.
        passages: What can be looked at closely, one at a time.
        passage: The one that is; None for none.
        windows: The windows that the text was read in; none where it was read in one pass.
        window: The one that is open; None for none.
    """
    if scores.shape != (len(sentences),):
        raise ValueError(f"scores have shape {scores.shape} for {len(sentences)} sentences")
    finite = np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)
    scale = ColorScale.fit(sentences, finite, signed=signed, relative=relative)
    margins = ColorScale(max((abs(each.score) for each in windows), default=0.0), signed=True)
    offsets = (0, len(encoding.text) + 1)

    def places(spans: Sequence[Span]) -> list[list[int]]:
        return [[offsets[s.part or 0] + s.start, offsets[s.part or 0] + s.end] for s in spans]

    return {
        "length": max(1, len(encoding.text) + (len(encoding.pair) + 1 if encoding.pair else 0)),
        "sentences": places(sentences),
        "shares": [round(float(s) / scale.largest, 3) if scale.largest else 0 for s in finite],
        "titles": [
            f"{scale.format(float(score))} · {_shortened(span.label)}"
            for span, score in zip(sentences, finite, strict=True)
        ],
        "paragraphs": [start for start, _ in places(paragraphs)],
        "passages": places(passages),
        "passage": passage,
        "unseen": [
            [offsets[own.part] + own.start, offsets[own.part] + own.end] for own in encoding.unseen
        ],
        "windows": [
            {
                "place": [bar.start, bar.end],
                "lane": lane,
                "name": bar.name,
                "title": bar.title,
                **{theme: margins.colors_of(bar.score, PALETTES[theme]) for theme in PALETTES},
            }
            for bar, lane in zip(windows, lanes(windows), strict=True)
        ],
        "window": window,
        "signed": signed,
        "colors": {
            theme: [mix(scale.colors(palette), i / (N_COLORS - 1)) for i in range(N_COLORS)]
            for theme, palette in PALETTES.items()
        },
        "lines": {theme: [palette.ink, palette.line] for theme, palette in PALETTES.items()},
        "hatch": {theme: list(palette.impossible) for theme, palette in PALETTES.items()},
        "ramp": {
            theme: f"linear-gradient(to right, {', '.join(scale.colors(palette))})"
            for theme, palette in PALETTES.items()
        },
        "lowest": scale.format(-scale.largest) if signed else "0",
        "highest": scale.format(scale.largest),
    }


def texts(
    *,
    name: str,
    note: str = "",
    low: str = "",
    high: str = "",
    unseen: str = "",
    caption: str = "",
) -> dict[str, object]:
    """What is written around the picture, which goes with its payload.

    Args:
        name: What it is, in a word or two.
        note: A few words beside it.
        low: What the low end of the scale means.
        high: What the high end means.
        unseen: How much was not seen; empty where all was.
        caption: A sentence under it.
    """
    return {
        "name": name,
        "note": note,
        "low": low,
        "high": high,
        "unseen_label": unseen,
        "caption": caption,
    }


def lanes(windows: Sequence[WindowBar]) -> list[int]:
    """The line of each bar, so that none lies on another: the first line that is free."""
    ends: list[int] = []
    result = []
    for bar in windows:
        free = (lane for lane, end in enumerate(ends) if end <= bar.start)
        lane = next(free, len(ends))
        ends[lane : lane + 1] = [bar.end]
        result.append(lane)
    return result


def _shortened(label: str) -> str:
    """A sentence on one line."""
    line = " ".join(label.split())
    return line if len(line) <= MAX_LABEL_CHARS else line[: MAX_LABEL_CHARS - 1].rstrip() + "…"
