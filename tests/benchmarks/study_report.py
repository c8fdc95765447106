"""What the studies of orders share: their options, and the tables that they print and write."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.benchmarks.order_study import RANDOM, RowOrders, summarized
from tests.benchmarks.result import machine

Report = Mapping[str, Mapping[str, Any]]
"""By operator and scorer, as JSON."""


def study_parser(doc: str, rows: int, skip: int, output: Path) -> argparse.ArgumentParser:
    """The options that every study has.

    Args:
        doc: What the study is, in its first line.
        rows: How many rows are measured, by default.
        skip: How many are passed over.
        output: Where the report is written.
    """
    parser = argparse.ArgumentParser(description=doc.partition("\n")[0])
    parser.add_argument("--checkpoint", action="append", required=True, help="a folder")
    parser.add_argument("--data", action="append", type=Path, required=True, help="its texts")
    parser.add_argument("--rows", type=int, default=rows, help="that are measured")
    parser.add_argument("--skip", type=int, default=skip, help="rows before them")
    parser.add_argument("--output", type=Path, default=output, help="of the report")
    return parser


def study_pairs(
    parser: argparse.ArgumentParser, options: argparse.Namespace
) -> list[tuple[str, Path]]:
    """Each checkpoint with the file of its texts; ends the program where one lacks the other."""
    n_checkpoints, n_files = len(options.checkpoint), len(options.data)
    if n_checkpoints != n_files:
        parser.error(
            f"{n_checkpoints} checkpoints and {n_files} files were named; give one --data for each "
            "--checkpoint"
        )
    return list(zip(options.checkpoint, options.data, strict=True))


def summary_report(
    rows: Sequence[RowOrders], reference: str, best: Mapping[int, Mapping[str, float]] | None = None
) -> Report:
    """The summary of rows as JSON."""
    return {
        operator: {name: asdict(scores) for name, scores in each.items()}
        for operator, each in summarized(rows, reference, best).items()
    }


def write_report(path: Path, pairs: Sequence[Mapping[str, Any]]) -> None:
    """Write what is known so far, and what it was measured on."""
    content = {"machine": machine(), "pairs": pairs}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def table(summary: Report, reference: str) -> str:
    """The scorers under each operator, as Markdown, without the columns that are empty."""
    rows = [("", "hidden by", "AOPC", f"minus {reference}", "share", "seconds")]
    for name in next(iter(summary.values())):
        for operator, each in summary.items():
            scores = each[name]
            rows.append(
                (
                    name if name != RANDOM else "*random order*",
                    operator,
                    f"{scores['aopc']:.3f}",
                    _interval(scores["minus_reference"], "+.3f"),
                    _interval(scores["share"], ".2f"),
                    "" if scores["seconds"] is None else f"{scores['seconds']:.2f}",
                )
            )
    columns = [n for n in range(len(rows[0])) if any(row[n] for row in rows[1:])]
    lines = [f"| {' | '.join(row[n] for n in columns)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(columns)}", *lines[1:]])


def _interval(values: Mapping[str, float] | None, form: str) -> str:
    if values is None:
        return ""
    mean, low, high = (format(values[name], form) for name in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"
