"""Work on many stretches of rows, some at a time, that can be given up between them."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from viz.jobs.cancellation import check_cancelled
from viz.jobs.progress import ShareProgress, no_share_progress

Part = TypeVar("Part")
POLL_SECONDS = 0.1
"""How often it is checked whether the result is still wanted."""


def over_rows(
    parts: Sequence[Part],
    function: Callable[[Part], None],
    progress: ShareProgress = no_share_progress,
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
