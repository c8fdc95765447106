"""Pictures drawn on the server, against the matplotlib recipe that most people write.

    python -m tests.benchmarks.figures [--output report.json]

The recipe is that of many notebooks: a grid of subplots, each with all of its tokens as labels.
Ours writes the labels that have room, every fourth here, and once for a row or a column of the
grid; so the recipe is also timed with every fourth, in each subplot.  All make a PNG at 150 dots
per inch in memory, in turns, after one round that is not counted.
"""

import statistics
from collections.abc import Callable, Iterator
from importlib.metadata import version
from io import BytesIO

import matplotlib
import matplotlib.pyplot as plt

from tests.benchmarks.noise import reading
from tests.benchmarks.result import Result, timed
from viz.export.formats import render
from viz.figures.spec import FigureSpec
from viz.types import Reading

PEER = f"matplotlib {version('matplotlib')} recipe"
N_TOKENS = 128
ROUNDS = 3


def measure() -> Iterator[Result]:
    """All results, one by one."""
    matplotlib.use("agg")
    shown = reading(N_TOKENS)
    layer = FigureSpec(shown, "layer", layer=5, unit="wordpiece")
    atlas = FigureSpec(shown, "atlas", unit="wordpiece")
    ours, theirs, thinned = _medians(
        lambda: render(layer, "png"), lambda: recipe(shown, 5), lambda: recipe(shown, 5, step=4)
    )
    what = f"PNG of a layer, 12 heads, {N_TOKENS} tokens, labeled"
    yield Result(what, ours, "s", theirs, PEER, at_least=8)
    yield Result("the same, every fourth label written", ours, "s", thinned, PEER)
    (seconds,) = _medians(lambda: render(atlas, "png"))
    yield Result(f"PNG of the atlas, 144 heads, {N_TOKENS} tokens", seconds, "s", at_most=1)


def recipe(shown: Reading, layer: int, step: int = 1) -> bytes:
    """The usual figure of all heads of a layer, every so many tokens labeled."""
    tokens = [token.text for token in shown.encoding.tokens]
    figure, axes = plt.subplots(3, 4, figsize=(20, 15))
    for head, ax in enumerate(axes.flat):
        image = ax.imshow(shown.attention.weights[layer, head], cmap="Blues")
        ax.set_xticks(range(0, len(tokens), step))
        ax.set_yticks(range(0, len(tokens), step))
        ax.set_xticklabels(tokens[::step], rotation=90)
        ax.set_yticklabels(tokens[::step])
        ax.set_title(f"Head {head}")
        figure.colorbar(image, ax=ax)
    plt.tight_layout()
    buffer = BytesIO()
    plt.savefig(buffer, dpi=150)
    plt.close(figure)
    return buffer.getvalue()


def _medians(*calls: Callable[[], object]) -> list[float]:
    """Median seconds of each call, taken in turns after one round of warming up."""
    rounds = [[timed(call)[0] for call in calls] for _ in range(ROUNDS + 1)][1:]
    return [statistics.median(seconds) for seconds in zip(*rounds, strict=True)]


if __name__ == "__main__":
    from tests.benchmarks.__main__ import main

    main(("figures",))
