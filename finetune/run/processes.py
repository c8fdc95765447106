"""The processes of a run: one, or several started by `torchrun` or `accelerate launch`."""

import os
from datetime import timedelta

import torch
from torch import distributed

TIMEOUT = timedelta(days=7)
"""How long the others wait while the first measures and writes."""


def join() -> None:
    """Meet the other processes, where there are any; they speak over CPU and, if any, CUDA."""
    if count() > 1 and not distributed.is_initialized():
        cuda = torch.cuda.is_available()
        distributed.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=TIMEOUT)


def count() -> int:
    """How many processes share the run."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def rank() -> int:
    """Which of them this one is, counted from 0."""
    return int(os.environ.get("RANK", "0"))


def is_first() -> bool:
    """Whether this process is the one that speaks and writes."""
    return rank() == 0


def launched_with_fsdp() -> bool:
    """Whether `accelerate launch` was configured for FSDP; from here on nobody else hears of it.

    The model is sharded here, so that accelerate must not do so too.
    """
    return os.environ.pop("ACCELERATE_USE_FSDP", "false").lower() in ("true", "1")


def wait() -> None:
    """Go on once all processes are here."""
    if count() > 1:
        distributed.barrier()


def any_true(value: bool) -> bool:
    """Whether any process says yes; asked on the CPU, so that no card waits for it."""
    if count() == 1:
        return value
    flag = torch.tensor(int(value))
    distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
    return bool(flag)
