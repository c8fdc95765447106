"""How fast the film of fine-tuning is: each frame, a frame that was read before, the saved page.

    python -m tests.benchmarks.film FOLDER [--tokens 128] [--output report.json]

FOLDER is a checkpoint that kept its steps; `python -m tests.benchmarks.kept_steps --keep FOLDER`
trains one with 20 frames of the shipped size.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from tests.benchmarks.result import Result, tell, timed
from viz.app import films
from viz.app.films import FilmRequest
from viz.comparison.film.film import FilmFrame
from viz.comparison.film.reader import FilmReader, history_of
from viz.export.film import film_file
from viz.model.classifier import Classifier
from viz.runs.history import history_of_checkpoint
from viz.widgets.film.payload import payload

TEXT = "Oil prices rise as stocks fall and the market was not good at all today . "
GOAL_SECONDS, GOAL_SEEN_SECONDS, GOAL_MB = 2.0, 0.2, 5.0


def main() -> None:
    """Print the table; write it as JSON where `--output` says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a checkpoint that kept its steps")
    parser.add_argument("--tokens", type=int, default=128, help="about how long the text is")
    parser.add_argument("--output", type=Path, help="a JSON file to write")
    options = parser.parse_args()
    tell(measure(options.folder, options.tokens), options.output)


def measure(folder: Path, n_tokens: int) -> Iterator[Result]:
    """Seconds of each frame in its turn, then of all of them at once."""
    classifier = Classifier.load(folder)
    text = TEXT
    while classifier.encode(text).n_tokens < n_tokens:
        text += TEXT
    seconds, reader = timed(lambda: FilmReader(classifier, history_of(folder), text))
    steps = range(len(reader.history.frames))
    yield Result(f"opening, {reader.encoding.n_tokens} tokens", seconds, "s")
    turns = [timed(partial(reader.read, index)) for index in steps]
    each = [seconds for seconds, _ in turns]
    yield Result(f"a frame, median of {len(each)}", median(each), "s", at_most=GOAL_SECONDS)
    yield Result("the slowest frame", max(each), "s", at_most=GOAL_SECONDS)
    last = turns[-1][1]
    assert isinstance(last, FilmFrame)
    differing = np.count_nonzero(last.prediction.logits != reader.finished.prediction.logits)
    yield Result("logits of the last frame that differ", float(differing), "", at_most=0)

    whole = reader.film([frame for _, frame in turns])
    request = FilmRequest(str(folder), text, None)
    films.film(request)
    films._read_frames(request)(lambda _: None)
    seconds, _ = timed(lambda: films.film(request))
    yield Result("all frames, read before", seconds, "s", at_most=GOAL_SEEN_SECONDS)
    run = history_of_checkpoint(folder)
    seconds, _ = timed(lambda: payload(whole, run))
    yield Result("all frames for the browser", seconds, "s")
    seconds, page = timed(lambda: film_file(whole, ".html", run))
    yield Result("the saved page", len(page) / 1e6, "MB", at_most=GOAL_MB)
    yield Result("writing it", seconds, "s")


if __name__ == "__main__":
    main()
