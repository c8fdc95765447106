"""All benchmarks of pictures, scores, memory and training, each a ratio or a goal in one run.

    python -m tests.benchmarks [atlas] [figures] [app] [heads_off] [evidence] [endings] [score]
                               [memory] [training] [kills] [card] [--output report.json]

They take about ten minutes, and some gigabytes of memory for BertViz's page of 128 tokens; `memory`
takes up to a minute a method more, `training` a quarter of an hour `kills` ten minutes and
`card`, which needs a CUDA card and is skipped without one, eight.
"""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

from tests.benchmarks.browser import chromium
from tests.benchmarks.result import Result, tell

PARTS = (
    *("atlas", "figures", "app", "heads_off", "evidence", "endings"),
    *("score", "memory", "training", "kills", "card"),
)
ON_SCREEN = {"atlas", "app", "heads_off", "evidence", "endings"}
"""Those that measure in a browser, and are handed one."""


def main(parts: Sequence[str] = PARTS) -> None:
    """Print the table; write it as JSON where `--output` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        parser.error(f"{unknown[0]!r} is not a benchmark; {', '.join(PARTS)} are")
    tell(_measured(options.parts or parts), options.output)


def _measured(parts: Sequence[str]) -> Iterator[Result]:
    """Each result, as soon as it is there."""
    with ExitStack() as stack:
        browser = stack.enter_context(chromium()) if ON_SCREEN & set(parts) else None
        for part in parts:
            measure = import_module(f"tests.benchmarks.{part}").measure
            yield from measure(browser) if part in ON_SCREEN else measure()


if __name__ == "__main__":
    main()
