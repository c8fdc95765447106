"""All methods side by side on this text: how faithful each is, its cost, and who agrees."""

from collections.abc import Callable
from dataclasses import replace
from math import isnan
from typing import cast

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from viz.app import background, checkpoints, keys, readings
from viz.app.background import ExplanationRequest
from viz.app.markdown import plain
from viz.app.panels import job_progress
from viz.app.panels.plot import show_plot
from viz.app.panels.scores import MADE_WITH, OPERATORS, sorted_by
from viz.attribution import METHODS
from viz.attribution.descriptions import number
from viz.errors import VizError
from viz.export.comparison import (
    comparison_csv,
    mean_share,
    method_agreement,
    random_shares,
    ranked,
)
from viz.export.filenames import table_name
from viz.faithfulness.compare import ComparedMethod, Comparison, compare, expected_passes
from viz.faithfulness.metrics import SHOWN, Values
from viz.faithfulness.orders import N_RANDOM
from viz.figures.plots.matrix import agreement_map
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.model.perturbation import Operator
from viz.widgets.theme.component import current_theme

OPEN = "compare-open"
"""Key of the request whose comparison is open."""
LABEL = "Comparing all methods"
NUMBERS = {name: metric for name, metric in SHOWN.items() if not metric.needs_decision}
"""Metrics that are columns of numbers; whether a decision flips is written out."""


def offer(request: ExplanationRequest) -> None:
    """A button that opens the comparison of this text, or closes it."""
    if st.session_state.get(OPEN) == _without_method(request):
        st.button("Close comparison", key="compare", on_click=_open, args=(None,))
    else:
        st.button(
            "Compare all methods",
            key="compare",
            icon=":material/leaderboard:",
            on_click=_open,
            args=(_without_method(request),),
            help="Runs every method on this text and measures which of them finds the words that "
            "the class or score depends on. This takes a while; you can keep working.",
        )


def show(request: ExplanationRequest) -> None:
    """Show the comparison where the reader asked for it: its table, or how far it is."""
    request = _without_method(request)
    if st.session_state.get(OPEN) != request:
        return
    try:
        known = background.results().get(request.key("compare"))
        comparison = cast("Comparison | None", known) or _wait(request)
    except VizError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if comparison is not None:
        _show(request, comparison)


def _without_method(request: ExplanationRequest) -> ExplanationRequest:
    """The same question without a method: all methods answer it."""
    return replace(request, method="", options=())


def _open(request: ExplanationRequest | None) -> None:
    background.cancel_job("compare")
    st.session_state[OPEN] = request


def _wait(request: ExplanationRequest) -> Comparison | None:
    versions = readings.perturbation(*request.inputs)
    passes = expected_passes(versions.classifier, versions.n_words, list(METHODS))
    seconds = passes * readings.seconds_per_pass(*request.inputs)
    key = request.key("compare")
    work: BackgroundJob[Comparison] = background.submit(key, lambda: _compare(request), passes)
    return job_progress.result(work, "compare", label=LABEL, seconds=seconds)


def _compare(request: ExplanationRequest) -> Callable[[ProgressCallback], Comparison]:
    classifier = checkpoints.classifier(request.source)
    reading, versions = readings.read(*request.inputs), readings.perturbation(*request.inputs)
    methods = list(METHODS)
    return lambda progress: compare(
        classifier, reading, methods, *request.classes, progress=progress, shared=versions
    )


def _show(request: ExplanationRequest, comparison: Comparison) -> None:
    table, agreement = st.tabs(["Faithfulness", "Agreement"])
    with table:
        _show_table(request, comparison)
    with agreement:
        names, correlations = method_agreement(comparison)
        figure = agreement_map(correlations, names, theme=current_theme(keys.THEME))
        show_plot(figure, "agreement", alt="Heat map of how far each two methods agree")
        st.caption("Spearman correlation of the word scores. Agreement is not proof.")


def _show_table(request: ExplanationRequest, comparison: Comparison) -> None:
    rows = ranked(comparison)
    st.dataframe(
        [entries(comparison, row) for row in rows if row.refused is None],
        hide_index=True,
        column_config=columns(comparison),
        height="content",
        key="comparison",
        placeholder="",
        alt="How faithful each method is to this text",
    )
    with st.container(horizontal=True, vertical_alignment="top", gap="medium"):
        st.caption(_meaning(comparison))
        st.download_button(
            "CSV",
            data=lambda: comparison_csv(comparison),
            file_name=table_name("comparison", readings.read(*request.inputs)),
            mime="text/csv",
            key="save-comparison",
            on_click="ignore",
            icon=":material/download:",
            help="Every measure, under each operator.",
        )
    for row in rows:
        if row.refused is not None:
            st.caption(plain(f"{row.label}: {row.refused}"))


def entries(comparison: Comparison, row: ComparedMethod) -> dict[str, object]:
    """What the table says of a method that was measured, by column."""
    measures = row.measures.values()
    shares: dict[str, object] = {
        operator: comparison.share(row, operator) for operator in comparison.random
    }
    return {
        "method": row.label,
        "passes": row.passes,
        **shares,
        **({"mean": mean_share(comparison, row)} if len(shares) > 1 else {}),
        **{name: sum(one[name] for one in measures) / len(measures) for name in NUMBERS},
        "flips": _flips(row),
        "tau": row.tau_occlusion,
        "shares": MADE_WITH.get(row.shares_operator or "", ""),
    }


def _flips(row: ComparedMethod) -> str:
    """Under which operators the decision changes; empty for scores, which decide nothing."""
    decided = _decided(row)
    flips = [OPERATORS[name] for name, one in decided.items() if one["flip_20"] == 1]
    if flips and len(decided) == 1:
        return "yes"
    return ", ".join(flips) or ("no" if decided else "")


def _decided(row: ComparedMethod) -> dict[Operator, Values]:
    return {name: one for name, one in row.measures.items() if not isnan(one["flip_20"])}


def columns(comparison: Comparison) -> dict[str, ColumnConfig | str | None]:
    """How each column is headed and written."""
    column = st.column_config
    digits = "%.2f" if any(_decided(row) for row in comparison.rows) else "%.3g"
    shares: dict[str, ColumnConfig | str | None] = {
        operator: column.ProgressColumn(
            f"by {OPERATORS[operator]}",
            help=f"AOPC with words hidden by {OPERATORS[operator]}: 0 is the mean of "
            f"{N_RANDOM} random orders, 1 the best order that any method found."
            + sorted_by(comparison.random),
            format="%.2f",
            min_value=0,
            max_value=1,
        )
        for operator in comparison.random
    }
    mean = column.NumberColumn(
        "Mean", format="%.2f", help="Mean of both columns; the table is sorted by it."
    )
    return {
        "method": column.TextColumn("Method", width="medium", pinned=True),
        "passes": column.NumberColumn(
            "Passes", format="%.0f", help="Forward passes of the method itself."
        ),
        **shares,
        **({"mean": mean} if len(shares) > 1 else {}),
        **{
            name: column.NumberColumn(metric.heading, format=digits, help=metric.help)
            for name, metric in NUMBERS.items()
        },
        "flips": column.TextColumn(
            "Flips", help="Whether the predicted class changes without the top 20% of the words."
        ),
        "tau": column.NumberColumn(
            "τ occlusion",
            format="%.2f",
            help="Agreement with occlusion: Kendall's tau between the scores and the effect of "
            "hiding a single word. Agreement is not proof.",
        ),
        "shares": column.TextColumn(
            "Made with",
            help="How the method itself hides words to make its scores. That helps it "
            + ("in this column; judge it by the other one." if len(shares) > 1 else "here."),
        ),
    }


def _meaning(comparison: Comparison) -> str:
    bands = [
        f"{number(low)} to {number(high)} by {OPERATORS[operator]}"
        for operator, (low, high) in random_shares(comparison).items()
    ]
    return plain(
        f"0 is the mean of {N_RANDOM} random orders, 1 the best order found. The random orders "
        f"range from {' and from '.join(bands)}. This is a single text; the Faithfulness page "
        "shows what holds over many."
    )
