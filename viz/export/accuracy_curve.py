"""Accuracy as heads go: its numbers as CSV and JSON, and in a sentence."""

import json
from collections.abc import Mapping

from finetune.errors import number_of
from viz.export.data_formats import csv_file
from viz.mechanism.ablation.measurement import FileCurve


def curve_rows(measured: FileCurve) -> list[dict[str, object]]:
    """One row a point: heads off, accuracy with its interval, and that of random orders."""
    curve = measured.curve
    interval, random = curve.interval, curve.random_accuracy
    return [
        {
            "heads_off": int(count),
            "accuracy": float(curve.accuracy[point]),
            "low": float(interval[point, 0]),
            "high": float(interval[point, 1]),
            **(
                {
                    "random_mean": float(random[:, point].mean()),
                    "random_min": float(random[:, point].min()),
                    "random_max": float(random[:, point].max()),
                }
                if len(random)
                else {}
            ),
        }
        for point, count in enumerate(curve.counts.tolist())
    ]


def curve_csv(measured: FileCurve) -> bytes:
    """UTF-8 with one header line."""
    rows = curve_rows(measured)
    return csv_file([list(rows[0]), *(list(row.values()) for row in rows)])


def curve_json(measured: FileCurve, about: Mapping[str, object]) -> bytes:
    """The points and the order of heads, with what they are about in front."""
    curve = measured.curve
    whole = {
        **about,
        "measure": measured.measure,
        "n_ordered": measured.n_ordered,
        "n_counted": curve.n_rows,
        "n_not_finite": curve.n_not_finite,
        "seed": curve.seed,
        "points": curve_rows(measured),
        "order": [list(head) for head in curve.order],
        "importance": measured.importance.tolist(),
        "random_orders": curve.random_accuracy.tolist(),
    }
    return (json.dumps(whole, ensure_ascii=False, indent=1) + "\n").encode()


def curve_sentence(measured: FileCurve) -> str:
    """How many heads can go before accuracy falls below the interval that it has with all.

    A second sentence says of how many texts logits are not finite.
    """
    curve = measured.curve
    low, high = curve.interval[0]
    point = int((curve.counts == curve.removable).argmax())
    whole = (
        f"{curve.accuracy[0]:.1%} of {number_of(curve.n_rows, 'text')} ({low:.1%} to {high:.1%})"
    )
    note = ""
    if curve.n_not_finite:
        note = (
            f" Logits of {number_of(curve.n_not_finite, 'text')} are not finite at some point, "
            "where none of them counts as right."
        )
    if not point:
        return (
            f"With all heads {whole} are right; without the first {curve.counts[1]} fewer are."
            f"{note}"
        )
    against = ""
    if len(curve.random):
        mean = curve.random_accuracy[:, point].mean()
        against = f"; without as many at random {mean:.1%}, mean of {len(curve.random)} orders"
    return (
        f"With all {curve.counts[-1]} heads {whole} are right, without the {curve.removable} least "
        f"important {curve.accuracy[point]:.1%}{against}.{note}"
    )
