"""How many threads compute in a process that shares the machine."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from viz.jobs.threads import single_thread, use_one_thread


def blas_threads() -> set[int]:
    """What the libraries of linear algebra say."""
    np.linalg.eigvalsh(np.eye(3))
    return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with threadpool_limits(2, user_api="blas"):
        yield
    torch.set_num_threads(before)


def test_one_thread_computes_and_later_as_many_as_before() -> None:
    with single_thread():
        assert (torch.get_num_threads(), blas_threads()) == (1, {1})
    assert (torch.get_num_threads(), blas_threads()) == (2, {2})


def test_a_process_of_its_own_stays_with_one() -> None:
    use_one_thread()
    assert (torch.get_num_threads(), blas_threads()) == (1, {1})
