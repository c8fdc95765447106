"""One text of a file: what is measured of it, by whichever process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from viz.attribution.method_spec import MethodSpec
from viz.documents.document_versions import DocumentVersions
from viz.documents.read_document import read_document
from viz.errors import NonFiniteLogitsError, SelectionError, TextError
from viz.faithfulness.compare import ComparedMethod, Comparison, compare, compare_document
from viz.faithfulness.degraded import TESTED_ROWS, degraded_method, degraded_values
from viz.faithfulness.judge import Judge
from viz.faithfulness.limits import LimitSearch
from viz.faithfulness.metrics import MIN_WORDS, metrics_of
from viz.faithfulness.orders import N_RANDOM
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.planted import planted_row
from viz.model.classifier import Classifier
from viz.model.perturbation import Operator, Perturbation
from viz.model.row_windows import row_encodings
from viz.model.text_files import Row
from viz.types import Encoding

TOO_SHORT, UNREADABLE, TOO_LONG = "too short", "unreadable", "too long"
NOT_FINITE = "no finite logits"
SKIPPED = (TOO_SHORT, UNREADABLE, TOO_LONG, NOT_FINITE)
"""Why a row is skipped."""
MAX_SEED = 2**63 - 1
"""The largest that a record holds."""
MAX_WINDOWS = 16
"""Windows of a document that is scored: hundreds of versions of it are read."""


@dataclass(frozen=True, slots=True)
class ScoreConfig:
    """What is measured of every text."""

    methods: tuple[str, ...]
    """As `MethodSpec.parse` reads them."""
    seed: int = 0
    n_random: int = N_RANDOM
    limits: LimitSearch | None = None
    """How the best and the worst order are searched for; None where they are not."""
    n_degraded: int = TESTED_ROWS
    """Rows from the top of the file on which metrics are tested by degraded explanations."""
    planted: tuple[str, ...] = ()
    """Words that were planted for a class when the checkpoint was trained."""

    def __post_init__(self) -> None:
        """Refuse what can't be measured before anything slow begins."""
        if not self.methods:
            raise SelectionError("No method was named; give at least one with --methods.")
        if self.seed < 0:
            raise SelectionError(f"--seed {self.seed} is negative; give 0 or more.")
        if self.seed > MAX_SEED:
            raise SelectionError(f"--seed {self.seed} is too large; give at most {MAX_SEED}.")
        if len(set(self.methods)) < len(self.methods):
            raise SelectionError("A method was named twice; name each once.")
        for entry in self.methods:
            MethodSpec.parse(entry)

    def degraded_method(self, row: int) -> str | None:
        """The method whose explanation of a row is made worse step by step; None where none is."""
        return degraded_method(self.methods) if row < self.n_degraded else None


def score_row(
    classifier: Classifier, row: Row, config: ScoreConfig, judge: Judge | None = None
) -> RowResult:
    """What is measured of a row, or why it is skipped.

    The predicted class is explained, against the runner-up.

    A text that is too long is measured as a whole where the classifier reads windows, without a
    search for its best and its worst order and without a judge.

    Args:
        classifier: The classifier that is explained.
        row: The text.
        config: What is measured.
        judge: Who measures the orders too.
    """
    try:
        return _score_row(classifier, row, config, judge)
    except NonFiniteLogitsError:  # with words hidden, or of the judge's twin
        return {"skipped": NOT_FINITE}


def _score_row(
    classifier: Classifier, row: Row, config: ScoreConfig, judge: Judge | None
) -> RowResult:
    try:
        encodings = row_encodings(classifier, row.text, row.pair)
    except TextError:
        return {"skipped": UNREADABLE}
    if len(encodings.windows) > MAX_WINDOWS:
        return {"skipped": TOO_LONG}
    if len(encodings.windows) > 1:
        return _score_document(classifier, row, config)
    (reading,) = classifier.read_many([encodings.encoding])
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
        limits=config.limits,
    )
    seed = config.seed + row.number
    result = _row_result(classifier, comparison)
    method = config.degraded_method(row.number)
    if method is not None:
        result = {**result, "degraded": _degraded(comparison, method, versions, seed)}
    if config.planted:
        result = {**result, "planted": planted_row(config.planted, comparison, versions, seed)}
    if judge is None:
        return result
    return {**result, "judge": _judged_row(judge, comparison, reading.encoding, seed)}


def _judged_row(
    judge: Judge, comparison: Comparison, encoding: Encoding, seed: int
) -> Mapping[str, object]:
    """What the twin says of a row."""
    versions = judge.versions(encoding)
    result = _row_result(judge.twin, judge.measure(comparison, versions, seed))
    methods = result["methods"].items()
    classes = (comparison.target.target_class, judge.predicted_class(versions))
    return {
        "methods": {method: one["measures"] for method, one in methods if "measures" in one},
        **{name: result[name] for name in ("random", "best", "worst")},
        "classes": None if judge.twin.regression else classes,
    }


def _degraded(
    comparison: Comparison, method: str, versions: Perturbation, seed: int
) -> Mapping[Operator, Sequence[Sequence[float]]]:
    """What each tested metric says of each step, by operator; empty where it was refused."""
    scores = next(each.scores for each in comparison.rows if each.method == method)
    if scores is None:
        return {}
    return {
        operator: degraded_values(versions, comparison.target, scores, operator, seed).tolist()
        for operator in versions.operators
    }


def _score_document(classifier: Classifier, row: Row, config: ScoreConfig) -> RowResult:
    document = read_document(classifier, row.text)
    versions = DocumentVersions(classifier, document)
    if versions.n_words < MIN_WORDS:
        return {"skipped": TOO_SHORT}
    comparison = compare_document(
        classifier,
        document,
        config.methods,
        n_random=config.n_random,
        shared=versions,
        seed=config.seed + row.number,
    )
    return {
        **_row_result(classifier, comparison),
        "windows": len(document.windows),
        "by_sentence": versions.by_sentence,
    }


def _row_result(classifier: Classifier, comparison: Comparison) -> RowResult:
    names = metrics_of(classifier)
    return {
        "methods": {each.method: _method_result(each, names) for each in comparison.rows},
        "random": {
            operator: [comparison.random_mean(operator, name) for name in names]
            for operator in comparison.random
        },
        "best": {operator: comparison.best_aopc(operator) for operator in comparison.random},
        "worst": {operator: comparison.worst_aopc(operator) for operator in comparison.random},
        "searched": bool(comparison.limits),
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
