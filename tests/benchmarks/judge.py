"""What a twin to which hidden words are ordinary says of each method, beside the original.

    python -m tests.benchmarks.judge ORIGINAL TWIN DATA [--rows 60] [--methods attention,lime]
                                     [--search] [--output faithfulness.json]
    python -m tests.benchmarks.judge --record faithfulness.json

It runs `clsight score --judge`, or reads what that wrote, and prints Markdown: what random orders
cost under each operator, by both (how odd hidden words are to each), AOPC and share of each method
by both, and how alike the two rank methods, by operator and by the mean that methods are ranked by.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from viz.attention.rank_correlation import spearman
from viz.faithfulness.agreement import kendall
from viz.faithfulness.interval import Interval
from viz.faithfulness.operator_scores import OPERATOR_LABELS
from viz.faithfulness.record import RANDOM_METHOD, FaithfulnessRecord, MethodScores, load


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("original", nargs="?", help="the checkpoint that is explained")
    parser.add_argument("twin", nargs="?", help="the checkpoint that judges")
    parser.add_argument("data", nargs="?", help="a file of texts")
    parser.add_argument("--rows", type=int, default=60, help="the first of DATA")
    parser.add_argument("--methods", help="as in `clsight score`")
    parser.add_argument("--search", action="store_true", help="search for the limits too")
    parser.add_argument("--output", type=Path, help="where to keep the record")
    parser.add_argument("--record", type=Path, help="a record with a judge, instead")
    options = parser.parse_args()
    if options.record is None and options.data is None:
        parser.error("name ORIGINAL, TWIN and DATA, or a --record")
    record = load(options.record) if options.record else measure(options)
    print("\n".join(tables(record)))


def measure(options: argparse.Namespace) -> FaithfulnessRecord:
    """What `clsight score --judge` writes."""
    with TemporaryDirectory() as folder:
        output = options.output or Path(folder) / "faithfulness.json"
        named = {
            "--checkpoint": options.original,
            "--judge": options.twin,
            "--data": options.data,
            "--limit": options.rows,
            "--methods": options.methods,
            "--output": output,
        }
        arguments = [str(each) for pair in named.items() if pair[1] is not None for each in pair]
        command = [sys.executable, "-m", "viz", "score", *arguments]
        command += ["--search"] if options.search else []
        code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
        if code:
            sys.exit(code)  # it has said why
        return load(output)


def tables(record: FaithfulnessRecord) -> Iterator[str]:
    """The lines of all of it.

    Raises:
        SystemExit: where the record has no judge.
    """
    judge = record.judge
    if judge is None:
        raise SystemExit("the record has no judge; run `clsight score --judge TWIN`")
    limits = (
        "searched for on the original" if record.searched else "of the orders that were measured"
    )
    yield f"{record.n_texts} texts of {record.data}; the best order is {limits}. {judge.sentence}"
    names = [OPERATOR_LABELS[operator] for operator in record.random]
    yield from ("", _row("", *(f"{name}, {who}" for name in names for who in ("original", "twin"))))
    yield _row("---", *["---"] * (2 * len(names)))
    pairs = [(record.random[o]["aopc"], judge.random[o]["aopc"]) for o in record.random]
    yield _row("AOPC of random orders", *(f"{each:.3f}" for pair in pairs for each in pair))
    columns = ("AOPC", "AOPC, twin", "share", "share, twin")
    yield from ("", _row("method", *(f"{column}, {name}" for name in names for column in columns)))
    yield _row("---", *["---"] * (len(columns) * len(names)))
    for one in _ranked(record):
        yield _row(one.label, *_cells(record, one))
    yield ""
    for operator, name in zip(record.random, names, strict=True):
        yield f"Ranked by share under {name}: {_agreement(record, operator)}"
    if judge.ranking is not None:
        ranking = judge.ranking
        yield (
            f"Ranked by the mean share: Spearman {ranking.spearman:.3f}, Kendall "
            f"{ranking.kendall:.3f} over {ranking.n_methods} methods"
        )


def _ranked(record: FaithfulnessRecord) -> list[MethodScores]:
    judged = [one for one in record.methods if record.judge and one.method in record.judge.methods]
    return sorted(judged, key=lambda one: -(record.mean_share(one) or 0.0))


def _cells(record: FaithfulnessRecord, one: MethodScores) -> Iterator[str]:
    assert record.judge is not None
    for operator, under in one.under.items():
        twin = record.judge.methods[one.method][operator]
        yield from (f"{each.means['aopc']:.3f}" for each in (under, twin))
        yield from (_share(each.share) for each in (under, twin))


def _share(share: Interval | None) -> str:
    return "–" if share is None else f"{share.mean:.2f} ({share.low:.2f} to {share.high:.2f})"


def _agreement(record: FaithfulnessRecord, operator: str) -> str:
    """How alike the two rank methods, the control not among them."""
    assert record.judge is not None
    pairs = [
        (own.mean, other.mean)
        for one in _ranked(record)
        if one.name != RANDOM_METHOD
        and (own := one.under[operator].share) is not None
        and (other := record.judge.share(one.method, operator)) is not None
    ]
    shares = np.array(pairs).reshape(-1, 2).T
    return f"Spearman {spearman(*shares):.3f}, Kendall {kendall(*shares):.3f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
