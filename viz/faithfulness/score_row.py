"""One text of a file: what is measured of it, by whichever process."""

from collections.abc import Sequence
from dataclasses import dataclass

from viz.attribution.method_spec import MethodSpec
from viz.errors import SelectionError, TextError
from viz.faithfulness.compare import ComparedMethod, compare
from viz.faithfulness.metrics import MIN_WORDS, metrics_of
from viz.faithfulness.orders import N_RANDOM
from viz.faithfulness.partial_results import RowResult
from viz.model.classifier import Classifier
from viz.model.perturbation import Perturbation
from viz.model.text_files import Row

TOO_SHORT, UNREADABLE = "too short", "unreadable"
"""Why a row is skipped."""


@dataclass(frozen=True, slots=True)
class ScoreConfig:
    """What is measured of every text."""

    methods: tuple[str, ...]
    """As `MethodSpec.parse` reads them."""
    seed: int = 0
    n_random: int = N_RANDOM

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


def score_row(classifier: Classifier, row: Row, config: ScoreConfig) -> RowResult:
    """What is measured of a row; the predicted class is explained, against the runner-up."""
    try:
        reading = classifier.read(row.text, row.pair)
    except TextError:
        return {"skipped": UNREADABLE}
    versions = Perturbation(classifier, reading.encoding)
    if versions.n_words < MIN_WORDS:
        return {"skipped": TOO_SHORT}
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
