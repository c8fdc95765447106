"""The default method beside what could take its place at the same two passes, by AOPC and share.

    python -m tests.benchmarks.default --checkpoint F --data CSV [--checkpoint F --data CSV ...]
        [--rows 200] [--skip 40] [--screen] [--search VERSIONS] [--search-rows N]
        [--output report.json]

Of each pair of a checkpoint and a file, texts of 6 to 45 words are taken in a random order.  The
first `--skip` are passed over, the next `--rows` are measured.  Differences are paired: AOPC of a
candidate minus that of the default on the same text.  `--screen` measures those passed over too:
the leave-one-out, which is too far behind for more, and which candidate they would choose for this
checkpoint, whose AOPC on the other rows is then in the table.  With `--search` the best order of
texts is searched for (versions of the text that may be read), and each candidate has its share of
the way from random orders to it.  What was measured lies in `report.rows/` beside the report: a run
that was stopped, or is given more rows, goes on there.
"""

from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.benchmarks.default_candidates import CANDIDATES, CHOICES, DEFAULT, LEAVE_ONE_OUT
from tests.benchmarks.order_study import RowOrders, StudyRows
from tests.benchmarks.study_report import (
    study_pairs,
    study_parser,
    summary_report,
    table,
    write_report,
)
from viz.model.classifier import Classifier

WORDS = (6, 45)
"""Of a text that is taken, between blanks."""
CHOSEN = "chosen per checkpoint"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables; write them as JSON where `--output` says."""
    parser = study_parser(__doc__, rows=200, skip=40, output=Path("default.json"))
    parser.add_argument("--screen", action="store_true", help="measure the rows before them too")
    parser.add_argument("--search", type=int, help="versions that a search for the best may read")
    parser.add_argument("--search-rows", type=int, help="the first rows to search; by default all")
    options = parser.parse_args(arguments)
    pairs = study_pairs(parser, options)
    torch.set_num_threads(1)
    reports = []
    for report in study(pairs, options):
        reports.append(report)
        write_report(options.output, reports)
        _tell(report)


def study(pairs: Sequence[tuple[str, Path]], options: Namespace) -> Iterator[dict[str, Any]]:
    """What came out for each checkpoint and file."""
    folder = options.output.with_suffix(".rows")
    for checkpoint, data in pairs:
        texts = StudyRows(Classifier.load(checkpoint), data, WORDS)
        before, rows = texts.rows(0, options.skip), texts.rows(options.skip, options.rows)
        measured = texts.measure(folder, rows, CANDIDATES)
        report: dict[str, Any] = {
            "checkpoint": Path(checkpoint).name,
            "fingerprint": texts.classifier.fingerprint,
            "data": f"{data.parent.name}/{data.name}",
            "rows": len(measured),
        }
        if options.screen:
            screened = texts.measure(folder, before, {**CANDIDATES, **LEAVE_ONE_OUT})
            chosen = choice(screened)
            measured = [_with_choice(row, chosen) for row in measured]
            screen = summary_report(screened, DEFAULT)
            report |= {"screened": len(before), "chosen": chosen, "screen": screen}
        best: Mapping[int, Mapping[str, float]] = {}
        if options.search:
            best = texts.best(folder, rows[: options.search_rows], options.search)
            report |= {"searched": len(best), "versions": options.search}
        yield {**report, "summary": summary_report(measured, DEFAULT, best)}


def choice(rows: Sequence[RowOrders]) -> str:
    """The candidate with the highest AOPC on rows, mean over operators; of equals the first."""

    def mean(name: str) -> float:
        return float(np.mean([under[name] for row in rows for under in row.aopc.values()]))

    return max(CHOICES, key=mean)


def _with_choice(row: RowOrders, chosen: str) -> RowOrders:
    aopc = {name: {**under, CHOSEN: under[chosen]} for name, under in row.aopc.items()}
    return RowOrders(row.row, row.n_words, aopc, {**row.seconds, CHOSEN: row.seconds[chosen]})


def _tell(report: Mapping[str, Any]) -> None:
    print(f"\n{report['checkpoint']}, {report['data']}: {report['rows']} rows", end="")
    if "searched" in report:
        print(f"; of {report['searched']} the best order, in {report['versions']} versions", end="")
    print(f"\n\n{table(report['summary'], DEFAULT)}", flush=True)
    if "screen" in report:
        print(f"\nThe {report['screened']} rows before them choose: {report['chosen']}\n")
        print(table(report["screen"], DEFAULT), flush=True)


if __name__ == "__main__":
    main()
