"""Films of fine-tuning as the page asks for them: frames read one by one in the background."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from finetune.run.history import History as KeptSteps
from finetune.run.history import has_history
from viz.app import background, checkpoints
from viz.app.cache import LRUCache
from viz.comparison.film.film import Film
from viz.comparison.film.reader import FilmReader, history_of
from viz.figures.spec import FigureSpec
from viz.jobs.background import BackgroundJob, ProgressCallback
from viz.runs.checkpoint_folders import checkpoint_folders, display_name
from viz.runs.history import History, history_of_checkpoint
from viz.widgets.film.payload import payload

KIND = "film"
"""The kind of the job."""
MAX_BYTES = 256e6
"""Of films, whole or in part: about 700 frames of 12 x 12 heads; one film stays, however large."""
MAX_WANTED = 32
MAX_SENT = 8
"""Of some megabytes each."""
FIGURES = {"words": "attribution", "heads": "atlas"}
"""What of one frame can be saved as a picture, and the kind of its figure."""


def _n_bytes(film: object) -> float:
    frames = cast("Film", film).frames
    return sum(frame.nbytes + 2_000 for frame in frames if frame is not None) + 1e5


_films = LRUCache(MAX_BYTES, _n_bytes)
"""Each with the frames that were read so far."""
_sent = LRUCache(MAX_SENT)
"""What browsers are sent of the films that were shown last."""
_wanted = LRUCache(MAX_WANTED)
"""The frame of each film that a reader waits for."""


@dataclass(frozen=True, slots=True)
class FilmRequest:
    """Which text is read, with the frames of which checkpoint."""

    source: str
    text: str
    pair: str | None

    @property
    def key(self) -> Hashable:
        """What a film is cached by: another key once the checkpoint is written again."""
        return (KIND, checkpoints.identity(self.source), self.text, self.pair)

    @property
    def folder(self) -> Path:
        """Where the checkpoint lies."""
        return Path(checkpoints.identity(self.source)[0])


def offered() -> list[str]:
    """The checkpoints of this app that have kept steps."""
    return [display_name(folder) for folder in checkpoint_folders() if has_history(folder)]


def has_frames(source: str) -> bool:
    """Whether a checkpoint has kept steps."""
    place, version = checkpoints.identity(source)
    return bool(version) and has_history(Path(place))


def history(source: str) -> KeptSteps:
    """What the training of a checkpoint has kept.

    Raises:
        CheckpointError: where it is damaged.
    """
    return history_of(Path(checkpoints.identity(source)[0]))


def film(request: FilmRequest) -> Film:
    """The film with the frames that were read so far.

    Raises:
        CheckpointError: where the checkpoint can't be opened, or its history is damaged.
        TextError: if no token of the text reaches the model.
    """
    return _films.get_or_compute(request.key, lambda: _reader(request).film())


def player_data(request: FilmRequest, shown: Film, first: int) -> dict[str, object]:
    """What the browser is sent of a film, made once for one that is complete.

    Args:
        request: Which film.
        shown: The film, as far as it was read.
        first: The frame that is shown first.
    """
    if not shown.complete:
        return payload(shown, run(request), frame=first)
    return _sent.get_or_compute(
        (request.key, first), lambda: payload(shown, run(request), frame=first)
    )


def job(request: FilmRequest, shown: Film) -> BackgroundJob[Film]:
    """The job that reads the frames that are missing in a film."""
    return background.submit(
        request.key, lambda: _read_frames(request), len(shown.steps), cache=_films
    )


def want(request: FilmRequest, frame: int) -> None:
    """Read that frame before all others."""
    _wanted.add(request.key, frame)


def run(request: FilmRequest) -> History | None:
    """What happened in the training; None where that is not known."""
    return history_of_checkpoint(request.folder)


def figure(request: FilmRequest, frame: int, what: str) -> FigureSpec:
    """One frame as a figure for paper.

    Args:
        request: Which film.
        frame: The place of the frame.
        what: One of `FIGURES`.

    Raises:
        CheckpointError: where the frame can't be read.
    """
    attribution = _reader(request).explain(frame)
    assert attribution.reading is not None  # `explain` keeps it
    kind = FIGURES[what]
    parts = {"attribution": attribution, "contribution": None, "special": True, "quadrant": "all"}
    return FigureSpec.of(attribution.reading, kind, unit="word", **parts)


def _reader(request: FilmRequest) -> FilmReader:
    classifier = checkpoints.classifier(request.source)
    return FilmReader(classifier, history_of(request.folder), request.text, request.pair)


def _read_frames(request: FilmRequest) -> Callable[[ProgressCallback], Film]:
    key, classifier = request.key, checkpoints.classifier(request.source)
    folder, text, pair = request.folder, request.text, request.pair

    def compute(progress: ProgressCallback) -> Film:
        reader = FilmReader(classifier, history_of(folder), text, pair)
        shown = _films.get_or_compute(key, reader.film)
        # Kept here as well: other films may push this one out of the cache meanwhile.
        frames = list(shown.frames)
        missing = [*range(len(frames))]
        # The last frame early, since the first one says which heads will have changed by then.
        missing.insert(1, missing.pop())
        while missing:
            wanted = _wanted.get(key)
            index = missing.pop(missing.index(wanted) if wanted in missing else 0)
            if frames[index] is None:
                frames[index] = reader.read(index)
                shown = _films.add(key, replace(shown, frames=tuple(frames)))
            progress(1)
        return shown

    return compute
