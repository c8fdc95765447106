"""The curves of runs, as Vega-Lite charts; nothing here knows Streamlit.

They are not plotly figures, since Streamlit rebuilds a plotly chart whenever its numbers change,
which flickers each second of a run.  A Vega-Lite chart of the same specification takes new rows in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from viz.colors import PALETTES, Theme
from viz.runs.history import Step
from viz.runs.state import Run

HEIGHT = 190
"""Pixels between the axes."""
POINTS = 500
"""The most points of a line; of a longer one, neighbors are averaged."""
COLORS = {
    "light": ("#1f5fbf", "#c8641b", "#2f7d5b", "#8a4fa3", "#7a6a1f"),
    "dark": ("#6ea8f0", "#f0a060", "#6cc79b", "#c79be0", "#d3c266"),
}
"""One for each line; safe for color-blind readers in this order."""
MOST = len(COLORS["light"])
"""Runs that can be told apart in one chart."""

MEASURES = {
    "macro_f1": "Macro F1",
    "accuracy": "Accuracy",
    "r2": "R²",
    "rmse": "RMSE",
    "validation_loss": "Validation loss",
    "train_loss": "Training loss",
}
"""What may be measured after an epoch, and what it is called."""
SHARES = ("accuracy", "macro_f1")
"""Those from 0 to 1."""


DOT: dict[str, Any] = {"condition": {"test": "datum.dot", "value": 45}, "value": 0}
LAYERS: list[dict[str, Any]] = [
    {"mark": {"type": "line", "strokeWidth": 2}},
    {"mark": {"type": "point", "filled": True, "opacity": 1}, "encoding": {"size": DOT}},
    # Something to point at along the lines.
    {"mark": {"type": "point", "opacity": 0, "size": 150}},
]

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
    measures = [name for name in ("r2", "accuracy", "macro_f1") if name in measured_names]
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


def thinned(steps: Sequence[Step]) -> list[Step]:
    """At most `POINTS` steps, each the mean of as many neighbors."""
    size = -(-len(steps) // POINTS)
    parts = [steps[start : start + size] for start in range(0, len(steps), max(size, 1))]
    return [
        Step(
            part[-1].step,
            sum(step.epoch for step in part) / len(part),
            sum(step.loss for step in part) / len(part),
        )
        for part in parts
    ]


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
) -> Chart:
    """Lines over epochs, with dots where an epoch was measured; *share* is of values 0 to 1."""
    muted: Spec = {"labelColor": PALETTES[theme].muted, "titleColor": PALETTES[theme].muted}
    x = _quantity("epoch", "Epoch") | {
        "scale": {"domain": [0, epochs], "nice": False},
        "axis": muted | {"tickMinStep": 1, "format": "d", "grid": False},
    }
    y = _quantity("value", title) | {
        # Vega finds no scale for no values.
        "scale": {"domain": [0, 1]} if share or not rows else {"zero": False},
        "axis": muted
        | {
            "labels": bool(rows),
            "tickCount": 5,
            # Vega writes the ticks of a single value with all of its digits.
            "format": "%" if share else ".5~g",
            "gridColor": PALETTES[theme].line,
        },
    }
    tooltip = [
        {"field": "line", "type": "nominal", "title": "Curve"},
        _quantity("epoch", "Epoch") | {"format": ".2~f"},
        _quantity("value", title) | {"format": ".1%" if share else ".4f"},
    ]
    encoding = {"x": x, "y": y, "color": _colors(lines, theme), "tooltip": tooltip}
    return Chart(
        {
            "height": HEIGHT,
            "autosize": {"type": "fit-x", "contains": "padding"},
            "encoding": encoding,
            "layer": LAYERS,
        },
        rows,
        title,
        tuple(lines),
    )


def _quantity(field: str, title: str) -> Spec:
    return {"field": field, "type": "quantitative", "title": title}


def _colors(lines: Sequence[str], theme: Theme) -> Spec:
    legend = {
        "title": None,
        "orient": "top",
        "offset": 8,
        "labelColor": PALETTES[theme].ink,
        "labelLimit": 300,
    }
    return {
        "field": "line",
        "type": "nominal",
        "scale": {"domain": list(lines), "range": list(COLORS[theme][: len(lines)])},
        "legend": legend if lines else None,
    }
