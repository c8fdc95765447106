"""The quick methods ranked for a checkpoint, on as many texts as there is time for.

Texts come in random order, so that those that were measured when the time is up are a sample of
all.  Which of them a process measures, and with which others, changes no number.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from time import monotonic

import numpy as np

from viz.errors import SelectionError
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.record import FEW_TEXTS, FaithfulnessRecord
from viz.faithfulness.score import quick_methods
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.faithfulness.worker_pool import score_rows
from viz.jobs.cancellation import cancellation_check
from viz.model.classifier import Classifier
from viz.model.text_files import Columns, Row, Texts

MAX_ROWS = 100
"""Texts that are measured where the time allows it."""
MIN_ROWS = FEW_TEXTS
"""Of fewer texts no method can be called the best."""
MAX_SECONDS = 120.0
"""How long anybody waits for it."""
TRIAL_ROWS = 4
"""Measured by one process, to see whether others are worth their start."""
START_SECONDS = 20.0
"""Work of less time than this is done before other processes have begun."""


class _TimeUpError(BaseException):
    """Raised in the middle of a pass, so that no `except Exception` takes it for a failure."""


def sampled(texts: Texts, seed: int) -> Texts:
    """At most `MAX_ROWS` rows of a file in random order, each with its own number.

    Raises:
        SelectionError: where there are fewer than `MIN_ROWS`.
    """
    if len(texts.rows) < MIN_ROWS:
        raise SelectionError(
            f"Of {len(texts.rows):,} texts no method can be called the best; {MIN_ROWS} are needed."
        )
    order = np.random.default_rng(seed).permutation(len(texts.rows))[:MAX_ROWS]
    rows = tuple(texts.rows[index] for index in order)
    return Texts(texts.name, texts.fingerprint, texts.columns, rows)


def rank_methods(
    classifier: Classifier,
    texts: Texts,
    load: Callable[[], Classifier],
    n_processes: int = 1,
    seconds: float = MAX_SECONDS,
    on_row: Callable[[], object] = lambda: None,
) -> FaithfulnessRecord:
    """Measure the quick methods on texts, one after another until the time is up.

    Args:
        classifier: What is explained.
        texts: The rows, in the order in which they are measured.
        load: Loads the classifier in another process.
        n_processes: How many processes may measure, this one counted.
        seconds: The time.
        on_row: Called after each text.

    Raises:
        SelectionError: where the time is up before `MIN_ROWS` texts were measured.
    """
    # Degraded explanations test metrics, not methods, and take as long as the methods.
    config = ScoreConfig(quick_methods(), n_degraded=0)
    started = monotonic()
    end = started + seconds
    results: dict[int, RowResult] = {}

    def check() -> None:
        if monotonic() > end:
            raise _TimeUpError

    def measure(rows: Sequence[Row], processes: int) -> None:
        pairs = score_rows(rows, classifier, config, processes, load)
        with closing(pairs):
            for number, result in pairs:
                results[number] = result
                on_row()
                check()

    trial, rest = texts.rows[:TRIAL_ROWS], texts.rows[TRIAL_ROWS:]
    try:
        with cancellation_check(check):
            measure(trial, 1)
            each = (monotonic() - started) / max(1, len(trial))
            measure(rest, n_processes if each * len(rest) > START_SECONDS else 1)
    except _TimeUpError:
        pass
    known = [results[row.number] for row in texts.rows if row.number in results]
    n_measured = sum("skipped" not in result for result in known)
    if n_measured < MIN_ROWS:
        raise SelectionError(
            f"Only {n_measured} of {len(texts.rows)} texts could be measured in {seconds:.0f} "
            f"seconds, and {MIN_ROWS} are needed."
        )
    return summarize(classifier, texts, config, known)


def texts_of(
    name: str, fingerprint: str, inputs: Sequence[tuple[str, str | None]], columns: Columns
) -> Texts:
    """Texts, or pairs of texts, that come from no file of their own."""
    rows = (Row(number, text, pair, None) for number, (text, pair) in enumerate(inputs))
    return Texts(name, fingerprint, columns, tuple(rows))
