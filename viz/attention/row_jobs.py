"""Work on many stretches of rows, some at a time, that can be given up between them."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from viz.jobs.cancellation import check_cancelled

Part = TypeVar("Part")
RowProgress = Callable[[float], None]
"""Told the share of all rows, 0 to 1, that was done since the last call."""

POLL_SECONDS = 0.1
"""How often it is checked whether the result is still wanted."""


def no_row_progress(share: float) -> None:
    """For those who need no report."""


def over_rows(
    parts: Sequence[Part],
    function: Callable[[Part], None],
    progress: RowProgress = no_row_progress,
) -> None:
    """Call a function with each part, in as many threads as torch uses.

    Raises:
        CancelledError: where nobody waits any more.
        Exception: the first that the function raises; no further part is begun then.
    """
    with ThreadPoolExecutor(torch.get_num_threads(), thread_name_prefix="rows") as pool:
        jobs = {pool.submit(function, part) for part in parts}
        try:
            while jobs:
                check_cancelled()
                done, jobs = wait(jobs, POLL_SECONDS, FIRST_COMPLETED)
                for job in done:
                    job.result()
                    progress(1 / len(parts))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
