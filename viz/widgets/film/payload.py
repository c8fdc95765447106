"""The film: classes, words and heads of each frame, drawn by the widgets of the Read page.

The browser is sent all frames at once, so that it moves through them without a server.
"""

import math
from collections.abc import Sequence

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.attention.pooling import pool, pool_impossible
from viz.attribution import find_method
from viz.attribution.descriptions import scale_ends
from viz.colors import PALETTES, Palette, mix
from viz.comparison.film.descriptions import changes, measures, step_name
from viz.comparison.film.film import Film, FilmFrame, RefusedFrame, changed_most
from viz.runs.history import History
from viz.widgets.atlas import payload as atlas
from viz.widgets.bars import payload as bars
from viz.widgets.colored_text import payload as colored_text
from viz.widgets.film.run_curves import run_curves
from viz.widgets.shared.widget import Widget

MAX_PIXELS = 3_000_000
"""Of the thumbnails of all frames; more frames, or more heads, have smaller ones."""
N_COLORS = 64
"""Of the scale of gradient norms."""
OWN_SCALE = (
    "Here words are percentages of the strongest one's score, on a scale of this frame alone."
)

HTML = """
<div class="root">
  <div class="player" role="group" aria-label="The frames of the film">
    <button type="button" class="play" data-testid="film-play"></button>
    <input type="range" class="slider" min="0" step="1" aria-label="Frame"
      data-testid="film-slider" />
    <output class="name" data-testid="film-name"></output>
  </div>
  <p class="measures" data-testid="film-measures"></p>
  <div class="stage">
    <div class="part bars"></div>
    <div class="part text"></div>
    <div class="heads">
      <p class="changes" data-testid="film-changes"></p>
      <div class="part atlas"></div>
    </div>
    <div class="side">
      <section class="curves" data-testid="film-curves">
        <h3>Loss <small class="key train">training</small>
          <small class="key validation">validation</small></h3>
        <svg class="loss" role="img"></svg>
        <h3 class="norms-title">Gradient norm of each layer</h3>
        <canvas class="norms" data-testid="film-norms" role="img"></canvas>
      </section>
      <section data-testid="film-onsets">
        <h3>When each word began to matter</h3>
        <dl class="onsets" tabindex="0" aria-label="Frames, and the words that matter from there on"
          ></dl>
        <p class="hint"></p>
      </section>
    </div>
  </div>
</div>
"""

FILM = Widget("film", "film/film", HTML)


def payload(film: Film, run: History | None = None, *, frame: int = 0) -> dict[str, object]:
    """What the browser is sent.

    Args:
        film: Its frames; those that were not read yet come as `pending`.
        run: What happened in the training, for its curves; None where that is not known.
        frame: The frame that is shown first.
    """
    order = bars.class_order(film.finished)
    largest = _largest_score(film)
    side = _side(film)
    peak = max((float(each.max()) for _, each in _thumbnails(film)), default=1.0)
    onsets = film.onsets()
    return {
        "frames": [
            _frame(film, index, order=order, largest=largest, side=side)
            for index in range(len(film.frames))
        ],
        "first": frame,
        "complete": film.complete,
        "parts": {
            name: {"html": widget.html, "css": widget.style + _CALM[name]}
            for name, widget in (
                ("bars", bars.BARS),
                ("text", colored_text.COLORED_TEXT),
                ("atlas", atlas.ATLAS),
            )
        },
        "text": _text_labels(film),
        "atlas": _atlas(film, side, peak),
        "onsets": [
            {"frame": at, "words": [film.spans[w].label for w in onsets if onsets[w] == at]}
            for at in sorted(set(onsets.values()))
        ],
        "onset_hint": _onset_hint(film),
        "curves": run_curves(film, run),
        "themes": {theme: _theme(palette) for theme, palette in PALETTES.items()},
    }


def _frame(
    film: Film, index: int, *, order: Sequence[int], largest: float, side: int
) -> dict[str, object]:
    step, frame = film.steps[index], film.frames[index]
    name = {"name": step_name(step), "measures": measures(step), "epoch": round(step.epoch, 5)}
    if frame is None:
        return name | {"pending": True}
    if isinstance(frame, RefusedFrame):
        return name | {"refused": frame.reason}
    shown: dict[str, object] = {
        "bars": bars.payload(frame.prediction, order),
        "text": _text(film, frame, largest),
        "changes": changes(film, index),
    }
    if frame.thumbnails is not None:
        picture = _picture(film, frame.thumbnails, side)
        shown["atlas"] = {name: picture[name] for name in ("levels", "peaks")}
        distances = _distances(film, index)
        layer, head = (None, None) if distances is None else changed_most(distances)
        shown["selected"] = {"layer": layer, "head": head}
    return name | shown


def _text(film: Film, frame: FilmFrame, largest: float) -> dict[str, object]:
    """The words of a frame, on the scale of all frames; on its own where its words lack shares."""
    method, scores = find_method(film.method), film.shown(frame)
    relative = scores is None or (method.relative and not film.has_shares)
    data = colored_text.payload(
        film.encoding,
        film.spans,
        frame.scores if scores is None else scores,
        signed=method.signed,
        relative=relative,
        largest=None if scores is None else largest,
    )
    lines = [*frame.notes, OWN_SCALE] if scores is None else [frame.summary, _scale(film)]
    return data | {"caption": "\n".join(lines)}


def _scale(film: Film) -> str:
    """What the colors of all frames share."""
    is_relative = find_method(film.method).relative and not film.has_shares
    unit = "in percent of the strongest word of all" if is_relative else "in one unit"
    return f"By {film.method_label.lower()}; one color scale for all frames, {unit}."


def _distances(film: Film, index: int) -> FloatArray | None:
    """How far heads moved up to a frame; of the base, how far they will move up to the last one."""
    frame, last = film.frames[index], film.frames[-1]
    if index and isinstance(frame, FilmFrame):
        return frame.from_before
    return last.from_base if not index and isinstance(last, FilmFrame) else None


def _text_labels(film: Film) -> dict[str, object]:
    """What stands around the words, the same in all frames."""
    method = find_method(film.method)
    low, high = ("none", "most")
    if method.signed:
        low, high = scale_ends(film.finished, film.target)
    return {"low": low, "high": high}


def _atlas(film: Film, side: int, peak: float) -> dict[str, object] | None:
    """The parts of the atlas that all frames share; None where there are no maps."""
    first = next((each for _, each in _thumbnails(film)), None)
    if first is None:
        return None
    shared = _picture(film, first, side)
    del shared["levels"], shared["peaks"]
    return shared | {"largest": peak}


def _picture(film: Film, small: FloatArray, side: int) -> dict[str, object]:
    """The atlas of one frame."""
    impossible = film.impossible
    if impossible is not None:
        impossible = pool_impossible(impossible, side, side)
    pixels = pool(small.astype(np.float32), side, side, signed=False)
    return atlas.picture(pixels, impossible, shape=(len(film.spans), len(film.spans)))


def _thumbnails(film: Film) -> list[tuple[int, FloatArray]]:
    return [
        (index, frame.thumbnails)
        for index, frame in film.readable()
        if frame.thumbnails is not None
    ]


def _side(film: Film) -> int:
    """Pixels along a thumbnail, so that those of all frames are not too many."""
    first = next((each for _, each in _thumbnails(film)), None)
    if first is None:
        return 1
    n_cells = first.shape[0] * first.shape[1] * len(film.frames)
    return max(4, min(int(first.shape[-1]), math.isqrt(MAX_PIXELS // n_cells)))


def _largest_score(film: Film) -> float:
    """The largest score of a word in any frame, by size.

    The finished checkpoint has its say before its frame was read, so that colors stay.
    """
    shown = [film.finished_shown, *(film.shown(frame) for _, frame in film.readable())]
    sizes = [np.abs(each[film.words]) for each in shown if each is not None]
    return max(float(each.max(initial=0.0)) for each in sizes)


def _onset_hint(film: Film) -> str:
    if not film.complete:
        return "Said once every frame was read."
    if not film.onsets():
        return "No word matters in the last frame, or it was refused."
    return (
        "From this frame on, a word keeps the sign of its final score and at least half of its "
        "size. Words below a tenth of the strongest are left out."
    )


_CALM = {
    "bars": "p.predicted { white-space: nowrap; } "
    ".name { overflow: hidden; text-overflow: ellipsis; }",
    "text": ".special small { display: inline-block; min-width: 4.2em; text-align: end; }",
    "atlas": ".controls, .caption { display: none; }",
}
"""Styles beside those of each part, so that nothing moves from frame to frame."""


def _theme(palette: Palette) -> dict[str, object]:
    return {
        "marker": palette.ink,
        "scale": [mix(palette.sequential, index / (N_COLORS - 1)) for index in range(N_COLORS)],
    }
