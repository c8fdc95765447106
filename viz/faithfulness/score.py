"""The faithfulness of methods for a checkpoint: every text of a file scored, by any processes.

Rows are dealt out by number; a version of a text is read in a batch with others of the same text
only, and by one thread, so that who scores a row, and beside which others, changes no number.
"""

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from viz.attribution import METHODS
from viz.attribution.method_spec import MethodSpec
from viz.errors import SelectionError, TextError
from viz.faithfulness.compare import ComparedMethod, compare
from viz.faithfulness.metrics import MIN_WORDS, metrics_of
from viz.faithfulness.partial_results import PartialResults, RowResult
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation, operators_of
from viz.model.text_files import Row, Texts

FORMAT = 2
"""Of the lines; those of another one are not read."""
MOST_PASSES = 700
"""A method that takes more is scored only where it is named."""
POLL = 0.2
"""Seconds between two looks at what other processes have done."""
SHORT, UNREADABLE = "too short", "unreadable"
"""Why a row is skipped."""


def default_methods() -> tuple[str, ...]:
    """The methods that are scored where none is named."""
    return tuple(name for name, method in METHODS.items() if method.cost <= MOST_PASSES)


@dataclass(frozen=True, slots=True)
class ScoreConfig:
    """What is measured of every text."""

    methods: tuple[str, ...]
    """As `parse_method` reads them."""
    seed: int = 0
    n_random: int = 10

    def __post_init__(self) -> None:
        """Refuse what can't be measured before anything slow begins."""
        if not self.methods:
            raise SelectionError("No method was named; give at least one with --methods.")
        if self.seed < 0:
            raise SelectionError(f"--seed {self.seed} is negative; give 0 or more.")
        if len(set(self.methods)) < len(self.methods):
            raise SelectionError("A method was named twice; name each once.")
        for entry in self.methods:
            MethodSpec.parse(entry)


class ScoreRun:
    """The scoring of a file of texts, as one of several processes.

    Args:
        classifier: The classifier to judge the methods with.
        texts: The file.
        config: What is measured.
        folder: For what is known while the run goes on; all processes share it.
        rank: The number of this process, from 0.
        world: How many processes there are.
    """

    def __init__(
        self,
        classifier: Classifier,
        texts: Texts,
        config: ScoreConfig,
        folder: Path,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.classifier, self.texts, self.config = classifier, texts, config
        self.rank, self.world = rank, world
        self.partial_results = PartialResults(folder, self._hash(), self._fits)

    @cached_property
    def wanted(self) -> frozenset[int]:
        """The numbers of all rows."""
        return frozenset(row.number for row in self.texts.rows)

    @cached_property
    def known_before(self) -> frozenset[int]:
        """The numbers of the rows that were known when this was first asked for."""
        return frozenset(self.partial_results.rows())

    @property
    def done(self) -> int:
        """How many rows are known by now, whoever scored them."""
        return len(self.wanted & self.partial_results.rows())

    def run(self) -> Generator[int, None, None]:
        """Score the rows of this process that are not known; tells how many are known of all.

        Raises:
            SelectionError: where another run has the folder, or it can't be written to.
        """
        known = self.known_before
        with self.partial_results.held(self.rank) as file:
            for row in self.texts.rows:
                if row.number % self.world == self.rank and row.number not in known:
                    self.partial_results.add(
                        file, row.number, score_row(self.classifier, row, self.config)
                    )
                    yield self.done

    def wait(self) -> Iterator[int]:
        """Wait until every row is known; tells how many are, again and again."""
        while (done := self.done) < len(self.wanted):
            yield done
            time.sleep(POLL)
        yield done

    def lines(self) -> list[RowResult]:
        """What is known of every row, by its number."""
        known = {row: line for row, line in self.partial_results.lines() if row in self.wanted}
        return [known[row] for row in sorted(known)]

    def _fits(self, line: RowResult) -> bool:
        """Whether a line has every method under every operator, and a number for each measure."""
        if "skipped" in line:
            return line["skipped"] in (SHORT, UNREADABLE)
        known = [each for each in line["methods"].values() if "refused" not in each]
        measured = [line["random"], *(each["measures"] for each in known)]
        operators = set(operators_of(self.classifier))
        return (
            set(line["methods"]) == set(self.config.methods)
            and all(set(each) == operators for each in (line["best"], *measured))
            and all(len(row) == self._n_measures for each in measured for row in each.values())
        )

    @cached_property
    def _n_measures(self) -> int:
        return len(metrics_of(self.classifier))

    def _hash(self) -> str:
        """A name of all that a line depends on; not of how many rows are wanted."""
        depends = {
            "format": FORMAT,
            "checkpoint": self.classifier.fingerprint,
            "dtype": str(self.classifier.model.dtype),
            "data": self.texts.fingerprint,
            "columns": asdict(self.texts.columns),
            "config": asdict(self.config),
            "options": {
                entry: dict(MethodSpec.parse(entry).options) for entry in self.config.methods
            },
        }
        return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:16]


def score_row(classifier: Classifier, row: Row, config: ScoreConfig) -> RowResult:
    """What is measured of a row; the predicted class is explained, against the runner-up."""
    try:
        reading = classifier.read(row.text, row.pair)
    except TextError:
        return {"skipped": UNREADABLE}
    versions = Perturbation(classifier, reading.encoding)
    if versions.n_words < MIN_WORDS:
        return {"skipped": SHORT}
    comparison = compare(
        classifier,
        reading,
        config.methods,
        n_random=config.n_random,
        shared=versions,
        seed=config.seed + row.number,
    )
    names = metrics_of(classifier)
    return {
        "methods": {each.method: _method_result(each, names) for each in comparison.rows},
        "random": {
            operator: [comparison.random_mean(operator, name) for name in names]
            for operator in comparison.random
        },
        "best": {operator: comparison.best_aopc(operator) for operator in comparison.random},
    }


def _method_result(row: ComparedMethod, names: Sequence[str]) -> RowResult:
    if row.refused is not None:
        return {"refused": row.refused}
    return {
        "measures": {
            operator: [values[name] for name in names] for operator, values in row.measures.items()
        },
        "tau_occlusion": row.tau_occlusion,
        "polarity": row.polarity,
        "passes": row.passes,
        "seconds": row.seconds,
    }
