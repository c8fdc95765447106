"""The faithfulness of methods for a checkpoint: every text of a file scored, by any processes.

A version of a text is read in a batch with others of the same text only, and by one thread, so that
which process scores a row, and beside which others, changes no number.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from viz.attribution import METHODS
from viz.attribution.method_spec import MethodSpec
from viz.faithfulness.degraded import PERCENTS
from viz.faithfulness.judge import Judge
from viz.faithfulness.metrics import TESTED, metrics_of
from viz.faithfulness.partial_results import PartialResults, RowResult
from viz.faithfulness.planted import require_words
from viz.faithfulness.score_row import SKIPPED, ScoreConfig
from viz.faithfulness.worker_pool import score_rows
from viz.model.classifier import Classifier
from viz.model.perturbation import operators_of
from viz.model.row_windows import settings_of_rows
from viz.model.text_files import Row, Texts

FORMAT = 5
"""Of partial results; those of another one are not read."""
MAX_QUICK_PASSES = 2.0
"""Of the methods with which the Read page may begin."""
MAX_DEFAULT_PASSES = 700
"""A method that takes more is scored only where it is named."""


def default_methods() -> tuple[str, ...]:
    """The methods that are scored where none is named."""
    return tuple(name for name, method in METHODS.items() if method.cost <= MAX_DEFAULT_PASSES)


def quick_methods() -> tuple[str, ...]:
    """The methods of which one can be the first that a reader sees."""
    return tuple(name for name, method in METHODS.items() if method.cost <= MAX_QUICK_PASSES)


class ScoreRun:
    """The scoring of a file of texts: which rows are left, and the results of the others.

    Args:
        classifier: The classifier to judge the methods with.
        texts: The file.
        config: What is measured.
        folder: For results while the run goes on; all processes share it.
        judge: Who measures the orders too.

    Raises:
        MethodError: where heads of the classifier or of the judge's twin are off.
        SelectionError: where the judge reads a text as other tokens.
    """

    def __init__(
        self,
        classifier: Classifier,
        texts: Texts,
        config: ScoreConfig,
        folder: Path,
        judge: Judge | None = None,
    ) -> None:
        classifier.require_all_heads("A record of faithfulness")
        require_words(config.planted, classifier)
        if judge is not None:
            judge.twin.require_all_heads("What a judge says")
            judge.require_same_tokens(texts.rows)
        self.classifier, self.texts, self.config, self.judge = classifier, texts, config, judge
        self._n_metrics = len(metrics_of(classifier))
        self._n_tested = len(metrics_of(classifier, TESTED))
        self._operators = set(operators_of(classifier))
        self.partial_results = PartialResults(folder, self._hash(), self._is_complete)

    def results(self) -> list[RowResult]:
        """What is known of the rows of the file, in the order of their numbers."""
        known = self.partial_results.load()
        return [known[row.number] for row in self.texts.rows if row.number in known]

    def rows_left(self) -> list[Row]:
        """The rows without a result."""
        known = self.partial_results.load()
        return [row for row in self.texts.rows if row.number not in known]

    def score(
        self,
        rows: Sequence[Row],
        rank: int = 0,
        n_processes: int = 1,
        load: Callable[[], Classifier] | None = None,
        load_twin: Callable[[], Classifier] | None = None,
    ) -> Generator[int, None, None]:
        """Score rows and save each result; gives the number of each row once that is done.

        Args:
            rows: The rows.
            rank: The number of this process among those that share the folder.
            n_processes: How many processes of this machine score, this one counted.
            load: Loads the classifier in another process; needed for more than one.
            load_twin: Loads the twin of the judge likewise.

        Raises:
            SelectionError: where another run has the folder, it can't be written to, or a process
                ended early.
        """
        results = score_rows(
            rows, self.classifier, self.config, n_processes, load, self.judge, load_twin
        )
        with self.partial_results.writer(rank) as add, closing(results):
            for number, result in results:
                add(number, result)
                yield number

    def _is_complete(self, result: RowResult) -> bool:
        """Whether each method is there under each operator, and a number for each metric."""
        if "skipped" in result:
            return result["skipped"] in SKIPPED
        known = {
            method: each["measures"]
            for method, each in result["methods"].items()
            if "refused" not in each
        }
        at_once, judged = result["windows"] == 1, result["judge"]
        return (
            set(result["methods"]) == set(self.config.methods)
            and result["searched"] == (self.config.limits is not None and at_once)
            and (judged is not None) == (self.judge is not None and at_once)
            and self._is_whole(result, known)
            and (
                judged is None
                or (
                    set(judged["methods"]) == set(known)
                    and self._is_whole(judged, judged["methods"])
                )
            )
            and self._is_degraded(result)
            and (not result["planted"] or set(result["planted"]["ranks"]) <= set(known))
        )

    def _is_degraded(self, result: RowResult) -> bool:
        """Whether the tested metrics are there of each step, where an explanation is degraded."""
        method = self.config.degraded_method(result["row"])
        if method is None or result["windows"] > 1 or "refused" in result["methods"][method]:
            return not result["degraded"]
        return set(result["degraded"]) == self._operators and all(
            len(steps) == len(PERCENTS) and all(len(step) == self._n_tested for step in steps)
            for steps in result["degraded"].values()
        )

    def _is_whole(self, result: RowResult, methods: Mapping[str, Any]) -> bool:
        """Whether each operator is there, and a number for each metric."""
        measured = [result["random"], *methods.values()]
        return all(
            set(each) == self._operators for each in (result["best"], result["worst"], *measured)
        ) and all(len(row) == self._n_metrics for each in measured for row in each.values())

    def _hash(self) -> str:
        """A name of all that a result depends on; not of how many rows are wanted."""
        twin = None if self.judge is None else self.judge.twin
        settings = {
            "format": FORMAT,
            "checkpoint": self.classifier.fingerprint,
            "dtype": str(self.classifier.model.dtype),
            "data": self.texts.fingerprint,
            "columns": asdict(self.texts.columns),
            "config": asdict(replace(self.config, limits=None)),
            "judge": None if twin is None else [twin.fingerprint, str(twin.model.dtype)],
            "limits": None if self.config.limits is None else self.config.limits.n_versions,
            "options": {
                text: dict(MethodSpec.parse(text, classifier=self.classifier).options)
                for text in self.config.methods
            },
        }
        windows = settings_of_rows(self.classifier, pairs=self.texts.columns.pair is not None)
        if windows is not None:
            settings["windows"] = asdict(windows)
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
