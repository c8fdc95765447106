"""What a run on a card came to: each part measured, skipped or failed, as Markdown and JSON."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

LEAST_SECONDS = 5
"""A part that would get less is skipped: the libraries alone take so long to load."""
CHECK = (
    "Each part was tried with tiny models and texts, to see that it runs. Nothing here is a figure "
    "of a card, and speeds are left out."
)
LONGEST_REASON = 400
"""Characters of an error that go into the report."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a part measured."""

    what: str
    value: float
    unit: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class PartResult:
    """What became of one part."""

    part: str
    status: Literal["measured", "skipped", "failed"]
    seconds: float = 0.0
    reason: str = ""
    """Why it was skipped, or how it failed; empty where it was measured."""
    figures: tuple[Figure, ...] = ()


Launch = Callable[[str, float], PartResult]
"""Runs the part of that name, in so many seconds at most."""


def run_parts(
    parts: Sequence[tuple[str, float]], launch: Launch, *, seconds: float
) -> Iterator[PartResult]:
    """Run parts one after another, none longer than its part of what is left.

    Args:
        parts: The name of each, and its weight: how much of the time it is due beside the others.
            What one does not use is there for those after it.
        launch: How one is run.
        seconds: Until all have ended.
    """
    end = time.monotonic() + seconds
    for at, (part, weight) in enumerate(parts):
        left = end - time.monotonic()
        share = left * weight / sum(each for _, each in parts[at:])
        if share < LEAST_SECONDS:
            yield PartResult(part, "skipped", reason=f"only {max(share, 0):.1f} s were left for it")
            continue
        yield launch(part, share)


def launch_command(command: Sequence[str], part: str, seconds: float, result: Path) -> PartResult:
    """Run *command*, which writes the part's result to a file, in a process group of its own.

    What breaks a card's context, or never ends, takes no other part with it.
    """
    started = time.monotonic()
    child = subprocess.Popen(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        took = time.monotonic() - started
        return PartResult(part, "failed", took, f"not done after {seconds:.0f} s, so it was ended")
    took = time.monotonic() - started
    try:
        record = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        reason = f"ended with status {child.returncode}: {output.strip()[-LONGEST_REASON:]}"
        return PartResult(part, "failed", took, reason)
    figures = tuple(Figure(**each) for each in record.pop("figures"))
    return PartResult(**record | {"seconds": took}, figures=figures)


def guarded(part: str, measure: Callable[[], Iterator[Figure]]) -> PartResult:
    """Measure one part; what it raises becomes its result, with the figures it had by then."""
    started, figures = time.monotonic(), list[Figure]()
    status: Literal["measured", "skipped", "failed"] = "measured"
    reason = ""
    try:
        for figure in measure():
            figures.append(figure)
            print(f"  {figure.what}: {figure.value:.4g} {figure.unit}", file=sys.stderr, flush=True)
    except SkippedPart as error:
        status, reason = "skipped", str(error)
    except (Exception, SystemExit) as error:  # the report says it, and the rest goes on
        status, reason = "failed", _both_ends(f"{type(error).__name__}: {error}")
    return PartResult(part, status, time.monotonic() - started, reason, tuple(figures))


def _both_ends(reason: str) -> str:
    """An error with its name, and where it is long, its end, where compilers say what is wrong."""
    if len(reason) <= LONGEST_REASON:
        return reason
    half = LONGEST_REASON // 2
    return f"{reason[:half]} … {reason[-half:]}"


class SkippedPart(Exception):  # noqa: N818  it is no error
    """A part has nothing to measure here; one sentence says why."""


def as_markdown(
    machine: dict[str, object], results: Sequence[PartResult], *, check: bool = False
) -> str:
    """The report for a reader: the machine, the parts and their figures.

    Args:
        machine: What they ran on, by name.
        results: What became of each part.
        check: Whether parts were only tried, on a CPU; then no figure has its value.
    """
    lines = ["# On a card", ""] if not check else ["# A check on a CPU", "", CHECK, ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += ["", "| part | what became of it | seconds |", "|---|---|---|"]
    for each in results:
        fate = each.status if not each.reason else f"{each.status}: {_cell(each.reason)}"
        lines.append(f"| {each.part} | {fate} | {each.seconds:.1f} |")
    lines += ["", "| part | what | value | note |", "|---|---|---|---|"]
    for each in results:
        for figure in each.figures:
            value = figure.unit if check else f"{figure.value:,.4g} {figure.unit}"
            lines.append(f"| {each.part} | {_cell(figure.what)} | {value} | {_cell(figure.note)} |")
    return "\n".join(lines) + "\n"


def as_json(
    machine: dict[str, object], results: Sequence[PartResult], *, check: bool = False
) -> str:
    """The same for a program; values of a check are null."""
    parts = [asdict(each) for each in results]
    if check:
        for figure in (each for part in parts for each in part["figures"]):
            figure["value"] = None
    record = {"check": check, "machine": machine, "parts": parts}
    return json.dumps(record, indent=2, ensure_ascii=False) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
