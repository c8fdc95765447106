"""Answers that a page asks for: what is quick at once, what is slow in the background."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar, cast

import streamlit as st

from viz.app import presence, session
from viz.attribution import METHODS, Against, attribute
from viz.attribution.method import MAX_INTERACTIVE_PASSES, no_progress
from viz.jobs.background import BackgroundJob, JobRegistry, ProgressCallback
from viz.types import Attribution

Result = TypeVar("Result")

SLOT = "work-"
"""How the places begin where a session keeps the works it waits for, each with its question."""
WANTED = "wanted-works"
"""Which of these places this run of the page has looked at."""
_works = JobRegistry()


@dataclass(frozen=True, slots=True)
class Asked:
    """What is explained, and how: plain values, by which its answer is kept."""

    source: str
    """The checkpoint."""
    text: str
    pair: str | None
    method: str
    target: int | None
    """None for the predicted class."""
    against: Against
    options: tuple[tuple[str, str | int], ...] = ()

    @property
    def place(self) -> tuple[str, str, str | None]:
        """What is read, by which checkpoint."""
        return self.source, self.text, self.pair

    @property
    def classes(self) -> session.Explained:
        """The class explained and what it is held against."""
        return self.target, self.against

    def key(self, what: str) -> Hashable:
        """What an answer is kept by: again another when the checkpoint is written anew."""
        return (what, session.identity(self.source), self)


def attribution(asked: Asked) -> Attribution | None:
    """The attribution, computed once; None where that takes long and isn't done yet.

    Raises:
        MethodError: where the method can't be used with this checkpoint.
    """
    key = asked.key("attribution")
    found = cast("Attribution | None", session.kept().get(key))
    if found is None and passes(asked) <= MAX_INTERACTIVE_PASSES:
        return session.kept().add(key, _attribute(asked)(no_progress))
    return found


def attribution_work(asked: Asked) -> BackgroundJob[Attribution]:
    """The attribution, being computed in the background."""
    return background(asked.key("attribution"), lambda: _attribute(asked), passes(asked))


def passes(asked: Asked) -> float:
    """About how many forward passes the attribution takes."""
    method, versions = METHODS[asked.method], session.versions(*asked.place)
    options = method.resolve_options(dict(asked.options))
    return method.forward_passes(versions.n_words, versions.classifier.n_layers, options)


def seconds(asked: Asked) -> float:
    """About how long the attribution takes here."""
    return passes(asked) * session.seconds_per_pass(*asked.place)


def background(
    key: Hashable, prepare: Callable[[], Callable[[ProgressCallback], Result]], expected: float
) -> BackgroundJob[Result]:
    """The work on one answer, which is kept for all sessions when it is there.

    Sessions that ask the same wait for the same work, which ends when none of them is connected any
    more.  A session waits for one answer of a kind at a time: asked for another, it gives the
    first up, as it does with what a run of the page doesn't ask for again.

    Args:
        key: What the answer is kept by; its first part is the kind.
        prepare: Makes what is to be done, of what only this thread may ask Streamlit for.
        expected: About how many passes it takes.
    """
    slot = SLOT + cast("tuple[str, ...]", key)[0]
    st.session_state.setdefault(WANTED, set()).add(slot)
    current: tuple[Hashable, BackgroundJob[Result]] | None = st.session_state.get(slot)
    if current is not None and current[0] == key and not current[1].abandoned:
        return current[1]
    if current is not None:
        current[1].cancel()
    do, kept = prepare(), session.kept()
    work = _works.submit(
        key, lambda progress: kept.add(key, do(progress)), expected, is_present=presence.browser()
    )
    st.session_state[slot] = (key, work)
    return work


def start_again(kind: str) -> None:
    """Forget the work of a kind, so that it is done anew where it is still asked for."""
    _give_up(SLOT + kind)


@contextmanager
def given_up_unless_asked_for() -> Iterator[None]:
    """Within this, a page runs; what it waited for before and doesn't ask for again, it gives up.

    A run that Streamlit breaks off has not come to all its questions, and gives nothing up.
    """
    st.session_state[WANTED] = set()
    yield
    for slot in [str(name) for name in st.session_state if str(name).startswith(SLOT)]:
        if slot not in st.session_state[WANTED]:
            _give_up(slot)


def _give_up(slot: str) -> None:
    current: tuple[Hashable, BackgroundJob[object]] | None = st.session_state.pop(slot, None)
    if current is not None:
        current[1].cancel()


def _attribute(asked: Asked) -> Callable[[ProgressCallback], Attribution]:
    classifier = session.classifier(asked.source)
    reading, versions = session.reading(*asked.place), session.versions(*asked.place)

    def compute(progress: ProgressCallback) -> Attribution:
        found = attribute(
            classifier,
            reading,
            asked.method,
            asked.target,
            asked.against,
            options=dict(asked.options),
            progress=progress,
            shared=versions.told(progress),
        )
        return replace(found, reading=None)  # it is large, and kept by session in its own time

    return compute
