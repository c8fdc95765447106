"""The processes of a command: one, or several of torchrun, which share its rows."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from viz.errors import SelectionError

MAX_DAYS = 30
"""How long the processes of torchrun wait for one another."""


def process_rank(environment: Mapping[str, str]) -> tuple[int, int]:
    """The number of this process, and how many there are, as torchrun says.

    Raises:
        SelectionError: where the two make no sense.
    """
    values = environment.get("RANK", "0"), environment.get("WORLD_SIZE", "1")
    try:
        rank, world = map(int, values)
    except ValueError:
        rank, world = 0, 0
    alone = world == 1 or "MASTER_ADDR" in environment
    if not (0 <= rank < world and alone):
        raise SelectionError(
            f"RANK {values[0]!r} of WORLD_SIZE {values[1]!r} is not a process of torchrun; unset "
            "both, or start with torchrun."
        )
    return rank, world


def local_rank(environment: Mapping[str, str]) -> tuple[int, int]:
    """The number of this process among those of its machine, and how many there are."""
    rank, world = process_rank(environment)
    try:
        own = int(environment.get("LOCAL_RANK", rank))
        return own, max(1, int(environment.get("LOCAL_WORLD_SIZE", world)))
    except ValueError:
        return rank, world


def wait_for_all(world: int) -> None:
    """Go on once all processes of a group are here."""
    if world > 1:
        from torch import distributed

        distributed.barrier()


def n_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def process_group(rank: int, world: int) -> Iterator[None]:
    """The processes of torchrun: all are there before one begins, and done before one goes on.

    Who came late would find the results of the others in the record already, and gone.
    """
    from torch import distributed

    limit = timedelta(days=MAX_DAYS)
    distributed.init_process_group("gloo", rank=rank, world_size=world, timeout=limit)
    try:
        yield
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Let SIGTERM end this process as any error does, so that it ends the others too."""

    def end(*_: object) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
