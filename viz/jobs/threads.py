"""One thread of computing for a process that shares the machine with others like it.

The threads of NumPy's linear algebra spin while they wait: two processes that each have one for
every core take a small eigenvalue problem fifty times as long as one thread does.  How many threads
there are moves the last bit of a result, too.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np  # noqa: F401, since only libraries that are loaded can be limited
import torch
from threadpoolctl import threadpool_limits


def use_one_thread() -> None:
    """Compute with one thread from now on."""
    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")


@contextmanager
def single_thread() -> Iterator[None]:
    """Compute with one thread, and then with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(before)
