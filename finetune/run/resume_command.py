"""The command that goes on with a run."""

import shlex
from pathlib import Path


def resume_command(output: Path, processes: int = 1) -> str:
    """The command that goes on with the run of *output*, by as many *processes* as began it."""
    several = f"torchrun --nproc-per-node {processes} -m finetune"
    program = "clsight" if processes == 1 else several
    return f"{program} resume {shlex.quote(str(output))}"
