"""Rows scored by several processes of this machine, each with the classifier loaded once."""

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from viz.errors import SelectionError
from viz.faithfulness.judge import Judge
from viz.faithfulness.partial_results import RowResult
from viz.faithfulness.score_row import ScoreConfig, score_row
from viz.jobs.cancellation import check_cancelled
from viz.jobs.threads import use_one_thread
from viz.model.classifier import Classifier
from viz.model.text_files import Row

POLL_SECONDS = 0.5
"""How often this process looks whether what the others do is still wanted."""
ROWS_AHEAD = 2
"""Rows that each worker has before it, so that it never waits for this process."""

Loads = Sequence[tuple[Callable[[], Classifier], str]]
"""What loads a classifier, and where there is a judge its twin, and the fingerprint of each."""

_score: Callable[[Row], RowResult]
"""Set in each worker when it starts."""


def score_rows(
    rows: Sequence[Row],
    classifier: Classifier,
    config: ScoreConfig,
    n_processes: int = 1,
    load: Callable[[], Classifier] | None = None,
    judge: Judge | None = None,
    load_twin: Callable[[], Classifier] | None = None,
) -> Generator[tuple[int, RowResult], None, None]:
    """Score rows, in any order: the number of each and its result as soon as it is there.

    Args:
        rows: The rows.
        classifier: The classifier, as this process has it, which scores too.
        config: What is measured.
        n_processes: How many processes score, this one counted.
        load: Loads the same classifier in another process; needed for more than one.
        judge: Who measures the orders too, as this process has it.
        load_twin: Loads its twin in another process; needed likewise where there is a judge.

    Raises:
        SelectionError: where another process ended early.
    """
    left = deque(rows)
    n_workers = min(n_processes, len(rows)) - 1
    wanted = [(classifier, load), *([] if judge is None else [(judge.twin, load_twin)])]
    loads = [(each, one.fingerprint) for one, each in wanted if each is not None]
    if n_workers < 1 or len(loads) < len(wanted):
        yield from ((row.number, score_row(classifier, row, config, judge)) for row in rows)
        return
    numbers: dict[Future[RowResult], int] = {}
    with _workers(n_workers, loads, config) as pool:
        while left or numbers:
            check_cancelled()
            while left and len(numbers) < n_workers * ROWS_AHEAD:
                row = left.popleft()
                numbers[pool.submit(_score_in_worker, row)] = row.number
            if left:
                row = left.popleft()
                yield row.number, score_row(classifier, row, config, judge)
            done, _ = wait(
                numbers, timeout=0 if left else POLL_SECONDS, return_when=FIRST_COMPLETED
            )
            for future in done:
                yield numbers.pop(future), future.result()


@contextmanager
def _workers(count: int, loads: Loads, config: ScoreConfig) -> Iterator[ProcessPoolExecutor]:
    """Processes that score; ended with this one, however it ends."""
    others = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    arguments = (loads, config)
    with ProcessPoolExecutor(count, context, _start_worker, arguments) as pool:
        try:
            with _interrupts_ignored():
                for _ in range(count):
                    pool.submit(os.getpid)  # starts a process
            yield pool
        except BrokenProcessPool as error:
            raise SelectionError(
                "One of the processes ended early, probably for lack of memory; run the command "
                "again, with fewer --processes if necessary; it resumes where it stopped."
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()
            raise


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start processes that leave Ctrl-C to this one, which ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start_worker(loads: Loads, config: ScoreConfig) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    use_one_thread()
    warnings.simplefilter("ignore")  # of libraries, which a user can't mend
    classifier, *twins = (load_same(*each) for each in loads)
    judge = Judge(classifier, *twins) if twins else None
    global _score
    _score = lambda row: score_row(classifier, row, config, judge)  # noqa: E731


def load_same(load: Callable[[], Classifier], fingerprint: str) -> Classifier:
    """The classifier that the first process has.

    Raises:
        SelectionError: where its weights are others by now.
    """
    classifier = load()
    if classifier.fingerprint != fingerprint:
        raise SelectionError(
            "The checkpoint was replaced while its texts were scored; start the command again."
        )
    return classifier


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, even where that was killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _score_in_worker(row: Row) -> RowResult:
    return _score(row)
