"""The table of the Faithfulness page: every method, the most faithful first."""

from collections.abc import Collection
from functools import partial

import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from viz.app.markdown import plain
from viz.attribution.descriptions import quantity
from viz.export.score_table import method_name, ranked
from viz.faithfulness.interval import Interval
from viz.faithfulness.metrics import SHOWN
from viz.faithfulness.operator_scores import OPERATOR_LABELS, OperatorScores
from viz.faithfulness.record import FaithfulnessRecord, MethodScores

OPERATORS = OPERATOR_LABELS
MADE_WITH = {**OPERATORS, "both": "both"}


def show_scores(record: FaithfulnessRecord) -> None:
    """Show what was measured of every method; of those refused, why."""
    st.dataframe(
        [_entries(one, record) for one in ranked(record)],
        hide_index=True,
        column_config=_columns(record),
        height="content",
        key="scores",
        placeholder="",
        alt="How faithful each method is over all texts",
    )
    if record.planted is not None:
        st.caption(plain(record.planted.sentence))
    if record.metric_test is not None:
        st.caption(plain(record.metric_test.sentence))
    for one in record.methods:
        if one.refused is not None:
            st.caption(plain(f"{one.label}: {one.refused}"))


def sorted_by(operators: Collection[str]) -> str:
    """What the help of a column of shares adds where there is no mean of two such columns."""
    return "" if len(operators) > 1 else " The table is sorted by it."


def difference(interval: Interval | None, *, regression: bool = False) -> str:
    """A mean difference with its interval, or `none` where the interval includes 0."""
    write = partial(quantity, signed=True, regression=regression)
    if interval is None:
        return ""
    written = f"{write(interval.low)} to {write(interval.high)}"
    if not (interval.above_zero or interval.below_zero):
        return f"none ({written})"
    return f"{write(interval.mean)} ({written})"


def _entries(one: MethodScores, record: FaithfulnessRecord) -> dict[str, object]:
    entries: dict[str, object] = {"method": method_name(one)}
    ranking = [operator for operator in record.ranking_operators if operator in one.under]
    for operator in ranking:
        share = one.under[operator].share
        entries[operator] = None if share is None else share.mean
        if record.judge is not None:
            judged = record.judge.share(one.method, operator)
            entries[f"judge-{operator}"] = None if judged is None else judged.mean
    if len(ranking) > 1:
        entries["merit"] = record.mean_share(one)
    entries["passes"] = one.passes
    for operator in ranking:
        entries[f"default-{operator}"] = _against_default(one, one.under[operator], record)
    for name, metric in SHOWN.items():
        if all(record.shows(name, operator) for operator in record.random):
            mean = record.mean(one, name)
            entries[name] = None if mean is None else mean * (100 if metric.percent else 1)
    if record.worst and ranking:
        entries["naopc"] = record.mean_naopc(one)
    if record.planted is not None and record.planted.methods:
        planted = record.planted.methods.get(one.method)
        entries["planted"] = None if planted is None else 100 * planted.precision.mean
    return entries | {
        "tau": one.tau_occlusion,
        "seconds": record.seconds.get(one.method),
        "made": MADE_WITH.get(one.shares_operator or "", ""),
    }


def _against_default(one: MethodScores, under: OperatorScores, record: FaithfulnessRecord) -> str:
    if one.method == record.default:
        return "–"
    return difference(under.minus_default.get("aopc"), regression=not record.decides)


def _default_label(record: FaithfulnessRecord) -> str:
    """The label of the method that the others are compared with."""
    labels = [one.label for one in record.methods if one.method == record.default]
    return labels[0] if labels else record.default


def _naopc_help(record: FaithfulnessRecord) -> str:
    """What normalized AOPC is, and where its limits come from."""
    limits = "Normalized AOPC, mean over operators: 0 is the worst order of any, 1 the best."
    if record.searched is not None:
        return f"{limits} Both were searched for, text by text."
    if record.was_searched("worst"):
        return limits
    return f"{limits} Nothing searched for the worst; it is the lowest that was measured."


def _columns(record: FaithfulnessRecord) -> dict[str, ColumnConfig | str | None]:
    column = st.column_config
    digits = "%.2f" if record.decides else "%.3g"
    columns: dict[str, ColumnConfig | str | None] = {
        "method": column.TextColumn("Method", width="medium", pinned=True),
        "passes": column.NumberColumn("Passes", format="%.0f", help="Forward passes per text."),
        "merit": column.NumberColumn(
            "Mean", format="%.2f", help="Mean of the shares under both; the table is sorted by it."
        ),
        **{
            name: column.NumberColumn(
                metric.heading, format="%.0f%%" if metric.percent else digits, help=metric.help
            )
            for name, metric in SHOWN.items()
        },
        "naopc": column.NumberColumn("NAOPC", format="%.2f", help=_naopc_help(record)),
        "planted": column.NumberColumn(
            "Planted first",
            format="%.0f%%",
            help="Texts whose first word is the one that was planted for their class.",
        ),
        "tau": column.NumberColumn(
            "τ occlusion",
            format="%.2f",
            help="Agreement with occlusion: Kendall's tau between the scores and the effect of "
            "hiding a single word. Agreement is not proof.",
        ),
        "seconds": column.NumberColumn(
            "Seconds", format="%.2f", help="Median per text, on the machine that measured."
        ),
        "made": column.TextColumn(
            "Made with", help="How the method itself hides words to make its scores."
        ),
    }
    for operator in record.random:
        name = OPERATORS.get(operator, operator)
        columns[operator] = column.ProgressColumn(
            f"by {name}",
            help="0 is the mean of random orders, 1 the best order found."
            + sorted_by(record.ranking_operators),
            format="%.2f",
            min_value=0,
            max_value=1,
        )
        columns[f"judge-{operator}"] = column.NumberColumn(
            f"{name}, twin",
            format="%.2f",
            help="The same orders of words, measured by the probabilities of the twin: 0 is the "
            "mean of random orders, 1 the best of those that were measured.",
        )
        columns[f"default-{operator}"] = column.TextColumn(
            f"Δ {name}",
            help=f"Difference of AOPC from that of {plain(_default_label(record))}, text by text, "
            "with its 95% interval.",
        )
    return columns
