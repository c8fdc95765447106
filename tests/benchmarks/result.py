"""What a benchmark found: one number of ours, beside a peer's or a goal, and the table of all."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table; less is better, unless it says otherwise."""

    what: str
    ours: float
    unit: str
    peer: float | None = None
    """The same of another tool, measured in the same run."""
    name: str = ""
    """That tool, with its version."""
    at_least: float | None = None
    """How many times better ours must be."""
    at_most: float | None = None
    """What ours may be."""
    more: bool = False
    """Whether more is better."""

    @property
    def ratio(self) -> float | None:
        """How many times more the peer needs, or ours does; None where one of them is 0."""
        if not self.peer or not self.ours:
            return None
        return self.ours / self.peer if self.more else self.peer / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.at_least is not None:
            return self.ratio is not None and self.ratio >= self.at_least
        return None if self.at_most is None else self.ours <= self.at_most

    def row(self) -> tuple[str, ...]:
        """The line's cells, as text."""
        ratio = "" if self.ratio is None else f"{self.ratio:.1f} ×"
        goal = "" if self.at_most is None else f"≤ {_number(self.at_most, self.unit)}"
        goal = goal if self.at_least is None else f"≥ {self.at_least:g} ×"
        met = {None: "", True: "yes", False: "NO"}[self.met]
        peer = "" if self.peer is None else _number(self.peer, self.unit)
        return (self.what, _number(self.ours, self.unit), peer, ratio, goal, met, self.name)


HEAD = ("what", "CLSight", "peer", "ratio", "goal", "met", "peer is")


def table(results: Iterable[Result]) -> str:
    """The results as a plain table."""
    rows = [HEAD, *(result.row() for result in results)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEAD))]
    lines = ("  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def tell(results: Iterable[Result], output: Path | None = None) -> bool:
    """Print each result once it is there, and the table of all; returns whether no goal is missed.

    With *output* they are written there as well.  What fails on the way loses none of them.
    """
    told: list[Result] = []
    try:
        for result in results:
            print("  ".join(cell for cell in result.row() if cell), flush=True)
            told.append(result)
    finally:
        if told:
            print("\n" + " · ".join(f"{name} {value}" for name, value in machine().items()))
            print(table(told))
            if output is not None:
                save(told, output)
    return all(result.met is not False for result in told)


def save(results: Iterable[Result], path: Path) -> None:
    """Write the results, and what they were measured on, as JSON."""
    lines = [asdict(result) | {"ratio": result.ratio, "met": result.met} for result in results]
    record = {"machine": machine(), "results": lines}
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, object]:
    """The processor and the versions that numbers depend on."""
    names = ("torch", "transformers", "numpy", "matplotlib", "bertviz", "streamlit", "playwright")
    return {
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call takes, and what it returns."""
    started = time.perf_counter()
    returned = call()
    return time.perf_counter() - started, returned


def _number(value: float, unit: str) -> str:
    return f"{value:,.3g} {unit}" if value < 1000 else f"{value:,.0f} {unit}"
