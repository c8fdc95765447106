"""Signed bars: words or heads with what each adds, on one scale around 0."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from viz.attribution.descriptions import decimals, true_minus
from viz.colors import sign_colors
from viz.widgets.shared.widget import Widget

HTML = """
<div class="root">
  <ul class="bars" data-testid="signed-bars"></ul>
</div>
"""

SIGNED_BARS = Widget("signed-bars", "signed_bars/signed_bars", HTML)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of the list."""

    name: str
    value: float
    interval: tuple[float, float] | None = None
    """Where 95% of such values would lie; None where the value is exact."""
    note: str = ""
    """What stands behind the number."""
    title: str = ""
    """What is told where the reader points, behind the name; the interval where empty."""


def payload(bars: Sequence[Bar]) -> dict[str, object]:
    """What the browser is sent: places from 0 to 1 on a scale that holds all bars."""
    ends = [0.0, *(bar.value for bar in bars)]
    for bar in bars:
        ends += bar.interval or ()
    ends = [end for end in ends if math.isfinite(end)]
    low, high = min(ends), max(ends)
    width = high - low or 1.0
    largest = max((abs(bar.value) for bar in bars if math.isfinite(bar.value)), default=0.0)
    digits = decimals(largest, least=2)

    def place(value: float) -> float:
        return round((min(max(value, low), high) - low) / width, 4)

    def write(value: float) -> str:
        text = f"{value:+.{digits}f}"
        return true_minus(text) if text.strip("+-0.") else "0"

    def between(bar: Bar) -> str:
        if bar.interval is None:
            return write(bar.value)
        return f"{write(bar.interval[0])} to {write(bar.interval[1])}"

    return {
        "zero": place(0.0),
        "colors": sign_colors(),
        "rows": [
            {
                "name": bar.name,
                "place": place(bar.value),
                "text": write(bar.value),
                "note": bar.note,
                "interval": None if bar.interval is None else [*map(place, bar.interval)],
                "title": f"{bar.name}: {bar.title or between(bar)}",
            }
            for bar in bars
        ],
    }
