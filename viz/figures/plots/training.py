"""The curves of runs, as Vega-Lite charts; nothing here knows Streamlit.

They are not plotly figures, since Streamlit rebuilds a plotly chart whenever its numbers change,
which flickers each second of a run.  A Vega-Lite chart of the same specification takes new rows in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import altair as alt

from finetune.run.metrics import METRICS
from viz.colors import PALETTES, Theme, mix
from viz.runs.history import thinned
from viz.runs.state import Run

HEIGHT = 190
"""Pixels between the axes."""
DOT_SIZE = 45
"""Square pixels of a dot where an epoch was measured."""
HOVER_SIZE = 150
"""Of the invisible points along a line that show its numbers."""
LEGEND_COLUMNS = 3
"""Names of many lines beside each other; a phone has room for three."""
COLORS = {
    "light": ("#1f5fbf", "#c8641b", "#2f7d5b", "#8a4fa3", "#7a6a1f"),
    "dark": ("#6ea8f0", "#f0a060", "#6cc79b", "#c79be0", "#d3c266"),
}
"""One for each line; safe for color-blind readers in this order."""
GRADIENT_POINTS = 100
"""The most points of each of the many lines."""
LIGHTEST = 0.35
"""Where the colors of layers begin on the sequential scale, whose start is the ground."""
MOST = len(COLORS["light"])
"""Runs that can be told apart in one chart."""

MEASURES = {
    # First the one that chooses the best epoch.
    **{each.name: each.title for each in sorted(METRICS, key=lambda each: not each.chooses)},
    "validation_loss": "Validation loss",
    "train_loss": "Training loss",
}
"""What may be measured after an epoch, and what it is called."""
SHARES = tuple(each.name for each in METRICS if each.range == (0, 1))
"""Those from 0 to 1."""
QUALITY = tuple(each.name for each in METRICS if each.better is max)
"""Those of which more is better."""

Spec = dict[str, Any]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chart:
    """A specification, the same for as long as the lines are, and the rows it is given."""

    spec: Spec
    rows: list[Row]
    title: str
    """What it shows."""
    lines: tuple[str, ...]
    """The names of its lines."""


def loss_chart(run: Run, *, theme: Theme = "light") -> Chart:
    """The loss of single steps, and that of the validation rows after each epoch."""
    lines = [MEASURES["train_loss"], MEASURES["validation_loss"]]
    rows = [_row(step.epoch, step.loss, lines[0]) for step in thinned(run.history.steps)]
    rows += _by_epoch(run, "validation_loss", lines[1])
    return _chart(rows, lines, title="Loss", epochs=_planned([run]), theme=theme)


def quality_chart(run: Run, *, theme: Theme = "light") -> Chart:
    """How well the validation rows are told after each epoch.

    By which measure is not known until the first epoch is measured.
    """
    measured_names = measured([run])
    measures = [name for name in QUALITY if name in measured_names]
    lines = [MEASURES[measure] for measure in measures]
    rows = [row for measure in measures for row in _by_epoch(run, measure, MEASURES[measure])]
    return _chart(
        rows,
        lines,
        title=" · ".join(lines) or "Quality",
        epochs=_planned([run]),
        theme=theme,
        share=bool(measures) and measures[0] in SHARES,
    )


def gradient_chart(run: Run, *, theme: Theme = "light") -> Chart | None:
    """The gradient norm of each layer, the darker the higher; None for runs without any.

    On a logarithmic scale, as layers may differ by powers of ten.
    """
    steps = thinned(run.history.steps, GRADIENT_POINTS)
    lines = list(dict.fromkeys(name for step in steps for name in step.gradient_norms))
    if not lines:
        return None
    # From the embeddings up, whichever part learned first.
    lines.sort(key=lambda name: [name != "embeddings", name == "head", len(name), name])
    colors = [
        mix(PALETTES[theme].sequential, LIGHTEST + (1 - LIGHTEST) * place / max(len(lines) - 1, 1))
        for place in range(len(lines))
    ]
    rows = [
        # 0 has no place on the scale.
        _row(step.epoch, step.gradient_norms.get(line) or nan, line)
        for line in lines
        for step in steps
    ]
    return _chart(
        rows,
        lines,
        title="Gradient norm",
        epochs=_planned([run]),
        theme=theme,
        colors=colors,
        scale=alt.Scale(type="log", nice=False),
    )


def comparison(runs: Sequence[Run], measure: str, *, theme: Theme = "light") -> Chart:
    """One of `MEASURES` after each epoch of up to `MOST` runs, those that have it."""
    runs = [run for run in runs if measure in measured([run])]
    lines = [run.name for run in runs]
    rows = [row for run in runs for row in _by_epoch(run, measure, run.name)]
    return _chart(
        rows,
        lines,
        title=MEASURES[measure],
        epochs=_planned(runs),
        theme=theme,
        share=measure in SHARES,
    )


def measured(runs: Sequence[Run]) -> list[str]:
    """Those of `MEASURES` that any of the runs has."""
    names = {name for run in runs for point in run.history.epochs for name in point.measured}
    return [name for name in MEASURES if name in names]


def _planned(runs: Sequence[Run]) -> int:
    return max((run.history.planned_epochs for run in runs), default=0) or 1


def _by_epoch(run: Run, measure: str, line: str) -> list[Row]:
    return [
        _row(float(point.epoch), point.measured[measure], line, dot=True)
        for point in run.history.epochs
        if measure in point.measured
    ]


def _row(epoch: float, value: float, line: str, *, dot: bool = False) -> Row:
    """A point of a line; one that is not a number is a gap."""
    return {"epoch": epoch, "value": value if isfinite(value) else None, "line": line, "dot": dot}


def _chart(
    rows: list[Row],
    lines: Sequence[str],
    *,
    title: str,
    epochs: int,
    theme: Theme,
    share: bool = False,
    colors: Sequence[str] = (),
    scale: alt.Scale | None = None,
) -> Chart:
    """Lines over epochs, with dots where an epoch was measured; *share* is of values 0 to 1."""
    palette = PALETTES[theme]
    x = alt.X(
        "epoch:Q",
        title="Epoch",
        scale=alt.Scale(domain=[0, epochs], nice=False),
        axis=alt.Axis(
            labelColor=palette.muted,
            titleColor=palette.muted,
            tickMinStep=1,
            format="d",
            grid=False,
        ),
    )
    y = alt.Y(
        "value:Q",
        title=title,
        # Vega finds no scale for no values.
        scale=scale or (alt.Scale(domain=[0, 1]) if share or not rows else alt.Scale(zero=False)),
        axis=alt.Axis(
            labelColor=palette.muted,
            titleColor=palette.muted,
            labels=bool(rows),
            tickCount=5,
            # Vega writes the ticks of a single value with all of its digits.
            format="%" if share else ".5~g",
            gridColor=palette.line,
        ),
    )
    color = alt.Color(
        "line:N",
        scale=alt.Scale(domain=list(lines), range=list(colors or COLORS[theme][: len(lines)])),
        legend=alt.Legend(
            title=None,
            orient="top",
            offset=8,
            labelColor=palette.ink,
            labelLimit=300,
            columns=LEGEND_COLUMNS if colors else alt.Undefined,
        )
        if lines
        else None,
    )
    tooltip = [
        alt.Tooltip("line:N", title="Curve"),
        alt.Tooltip("epoch:Q", title="Epoch", format=".2~f"),
        alt.Tooltip("value:Q", title=title, format=".1%" if share else ".4f"),
    ]
    size = alt.when("datum.dot").then(alt.value(DOT_SIZE)).otherwise(alt.value(0))
    line = alt.Chart()
    chart = alt.layer(
        line.mark_line(strokeWidth=2),
        line.mark_point(filled=True, opacity=1).encode(size=size),
        line.mark_point(opacity=0, size=HOVER_SIZE),
    )
    spec = chart.encode(x=x, y=y, color=color, tooltip=tooltip).properties(
        height=HEIGHT, autosize=alt.AutoSizeParams(type="fit-x", contains="padding")
    )
    return Chart(_without_data(spec.to_dict()), rows, title, tuple(lines))


def _without_data(spec: Spec) -> Spec:
    """A specification that leaves its rows, and the look of the page, to Streamlit."""
    layers = [{key: layer[key] for key in layer if key != "data"} for layer in spec["layer"]]
    own = {key: spec[key] for key in ("height", "autosize", "encoding")}
    return own | {"layer": layers}
