"""A comparison of methods as a table: one row a method, the most faithful first."""

import csv
import io
from collections.abc import Mapping

import numpy as np

from finetune.checkpoint.arrays import FloatArray
from viz.faithfulness.compare import ComparedMethod, Comparison
from viz.faithfulness.metrics import METRICS
from viz.model.perturbation import Operator


def ranked(comparison: Comparison) -> list[ComparedMethod]:
    """Rows by their mean share under all operators, highest first; what was refused, last."""

    def rank(row: ComparedMethod) -> float:
        share = mean_share(comparison, row)
        return np.inf if share is None else -share

    return sorted(comparison.rows, key=rank)


def mean_share(comparison: Comparison, row: ComparedMethod) -> float | None:
    """The mean of a row's shares over operators; None where there is none."""
    by_operator = [comparison.share(row, operator) for operator in comparison.random]
    shares = [share for share in by_operator if share is not None]
    return sum(shares) / len(shares) if shares else None


def random_shares(comparison: Comparison) -> dict[Operator, tuple[float, float]]:
    """The lowest and the highest share of the random orders, by operator."""
    bands = {}
    for operator, orders in comparison.random.items():
        floor = comparison.random_mean(operator)
        room = comparison.best_aopc(operator) - floor
        shares = [(values["aopc"] - floor) / room for values in orders] if room > 1e-9 else [0.0]
        bands[operator] = (min(shares), max(shares))
    return bands


def method_agreement(comparison: Comparison) -> tuple[list[str], FloatArray]:
    """The labels of all methods, in the order of the table, and Spearman's correlations.  (M, M)"""
    places = {row.method: place for place, row in enumerate(comparison.measured)}
    rows = [row for row in ranked(comparison) if row.refused is None]
    order = [places[row.method] for row in rows]
    return [row.label for row in rows], comparison.agreement[np.ix_(order, order)]


def comparison_csv(comparison: Comparison) -> bytes:
    """Everything that was measured of every method, under every operator."""
    rows = [_entries(comparison, row) for row in ranked(comparison)]
    rows.append({"method": "random mean", **_random_entries(comparison)})
    rows += _limit_entries(comparison)
    names = list(dict.fromkeys(name for row in rows for name in row))
    written = io.StringIO()
    writer = csv.DictWriter(written, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode("utf-8")


def _entries(comparison: Comparison, row: ComparedMethod) -> Mapping[str, object]:
    entries: dict[str, object] = {
        "method": row.method,
        "label": row.label,
        "passes": row.passes,
        "seconds": row.seconds,
        "options": " ".join(f"{name}={value}" for name, value in row.options.items()),
    }
    for operator, values in row.measures.items():
        entries[f"{operator}_share"] = comparison.share(row, operator)
        entries[f"{operator}_naopc"] = comparison.naopc(row, operator)
        entries |= {f"{operator}_{name}": _or_empty(values[name]) for name in METRICS}
    return entries | {
        "tau_occlusion": row.tau_occlusion,
        "polarity": row.polarity,
        "shares_operator": row.shares_operator,
        "refused": row.refused,
    }


def _random_entries(comparison: Comparison) -> Mapping[str, object]:
    return {
        f"{operator}_{name}": _or_empty(comparison.random_mean(operator, name))
        for operator in comparison.random
        for name in METRICS
    } | {f"{operator}_share": 0.0 for operator in comparison.random}


def _limit_entries(comparison: Comparison) -> list[dict[str, object]]:
    """The AOPC of the best and the worst order of any that was measured."""
    limits = {"best order": comparison.best_aopc, "worst order": comparison.worst_aopc}
    return [
        {"method": name} | {f"{operator}_aopc": aopc(operator) for operator in comparison.random}
        for name, aopc in limits.items()
    ]


def _or_empty(measured: float) -> float | None:
    """A cell that stays empty where there is no such measure."""
    return None if np.isnan(measured) else measured
