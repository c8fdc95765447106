"""What a page computes: what is quick at once, what is slow in the background, each once."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar, cast

import streamlit as st

from viz.app import checkpoints, documents, long_readings, presence, readings
from viz.app.cache import LRUCache
from viz.app.documents import Windows
from viz.app.long_readings import LongReading
from viz.attention.heads import Heads
from viz.attribution import METHODS, Against, attribute
from viz.attribution.long_contribution import LongContribution
from viz.attribution.method import MAX_INTERACTIVE_PASSES, no_progress
from viz.attribution.word_shares import share_passes
from viz.documents.attribute_document import attribute_document, document_passes
from viz.documents.document import Document
from viz.jobs.background import BackgroundJob, JobRegistry, ProgressCallback
from viz.model.classifier import LONG_READING_PASSES, Classifier
from viz.types import Attribution, Reading

Result = TypeVar("Result")

CONTRIBUTION_PASSES = 2
"""That `long_contribution` reports."""
MAX_RESULTS = 256
JOB_KEY_PREFIX = "work-"
"""How keys begin under which a session keeps the jobs it waits for, each with its request."""
REQUESTED_JOBS = "wanted-works"
"""Key of those of these keys that this run of the page has asked for."""
_jobs = JobRegistry()


@dataclass(frozen=True, slots=True)
class ExplanationRequest:
    """What is explained, and how: plain values, by which the result is cached."""

    source: str
    """The checkpoint."""
    text: str
    pair: str | None
    method: str
    target: int | None
    """None for the predicted class."""
    against: Against
    options: tuple[tuple[str, str | int], ...] = ()
    without: Heads = ()
    """The heads that are off."""
    windows: Windows | None = None
    """The windows in which the text is read, or one of them; None where it is read at once."""

    @property
    def inputs(self) -> tuple[str, str, str | None, Heads, Windows | None]:
        """What is read, by which checkpoint, without which heads, in which windows."""
        return self.source, self.text, self.pair, self.without, self.windows

    @property
    def document(self) -> Document | None:
        """The windows that are explained together; None where one pass is explained."""
        if self.windows is None or self.windows.index is not None:
            return None
        place = checkpoints.identity(self.source)
        return documents.document(*place, self.text, self.without, self.windows)

    @property
    def classes(self) -> readings.ExplainedClasses:
        """The class explained and what it is compared with."""
        return self.target, self.against

    @property
    def attribution_kind(self) -> str:
        """The kind of the attribution: that of a window is computed beside that of its document."""
        is_window = self.windows is not None and self.windows.index is not None
        return "window-attribution" if is_window else "attribution"

    def key(self, kind: str) -> Hashable:
        """What a result is cached by: another key once the checkpoint is written again."""
        return (kind, checkpoints.identity(self.source), self)


@st.cache_resource(show_spinner=False)
def results() -> LRUCache:
    """Attributions and what was measured of them, of all sessions, by `ExplanationRequest.key`."""
    return LRUCache(MAX_RESULTS)


def reading_job(
    source: str, text: str, pair: str | None, without: Heads = ()
) -> BackgroundJob[LongReading]:
    """A long text, being read in the background."""
    place = checkpoints.identity(source)
    return submit(
        long_readings.key_of(place, text, pair, without),
        lambda: long_readings.work(place, text, pair, without),
        LONG_READING_PASSES,
        cache=long_readings.readings,
    )


def window_job(source: str, text: str, without: Heads, windows: Windows) -> BackgroundJob[Reading]:
    """A long window of a text, being read in the background."""
    place = checkpoints.identity(source)
    return submit(
        readings.reading_key(*place, text, None, without, windows),
        lambda: partial(documents.reading, *place, text, without, windows),
        LONG_READING_PASSES,
        cache=readings.kept,
    )


def contribution_job(
    source: str,
    explained: readings.ExplainedClasses,
    text: str,
    pair: str | None,
    without: Heads = (),
) -> BackgroundJob[LongContribution]:
    """What weights of a long text contribute to a class, being learned in the background."""
    place = checkpoints.identity(source)
    return submit(
        long_readings.contribution_key(place, explained, text, pair, without),
        lambda: long_readings.contribution_work(place, explained, text, pair, without),
        CONTRIBUTION_PASSES,
        cache=long_readings.readings,
    )


def known_attribution(request: ExplanationRequest) -> Attribution | None:
    """The attribution; None where it isn't there yet."""
    return cast("Attribution | None", results().get(request.key(request.attribution_kind)))


def attribution(request: ExplanationRequest) -> Attribution | None:
    """The attribution, computed once; None where that takes long and isn't done yet.

    Raises:
        MethodError: where the method can't be used with this checkpoint.
    """
    key = request.key(request.attribution_kind)
    result = known_attribution(request)
    if result is None and _is_quick(request):
        return results().add(key, _attribute(request)(no_progress))
    return result


def attribution_job(request: ExplanationRequest) -> BackgroundJob[Attribution]:
    """The attribution, being computed in the background."""
    key = request.key(request.attribution_kind)
    return submit(key, lambda: _attribute(request), estimated_passes(request))


def _is_quick(request: ExplanationRequest) -> bool:
    place, windows = checkpoints.identity(request.source), request.windows
    if windows is None and long_readings.is_long(place, request.text, request.pair):
        return False
    if windows is not None and windows.index is None:
        return False
    if windows is not None and documents.is_long_window(
        *place, request.text, request.without, windows
    ):
        return False
    return estimated_passes(request) <= MAX_INTERACTIVE_PASSES


def estimated_passes(request: ExplanationRequest) -> float:
    """About how many forward passes the attribution takes."""
    document = request.document
    if document is not None:
        classifier = document.reader(checkpoints.classifier(request.source))
        return document_passes(classifier, document, request.method, dict(request.options))
    method, perturbation = METHODS[request.method], readings.perturbation(*request.inputs)
    options = method.resolve_options(dict(request.options), perturbation.classifier)
    passes = method.forward_passes(perturbation.n_words, perturbation.classifier.n_layers, options)
    return passes + share_passes(method)


def estimated_seconds(request: ExplanationRequest) -> float:
    """About how long the attribution takes here."""
    return estimated_passes(request) * readings.seconds_per_pass(*request.inputs)


def submit(
    key: Hashable,
    prepare: Callable[[], Callable[[ProgressCallback], Result]],
    expected: float,
    *,
    cache: LRUCache | None = None,
) -> BackgroundJob[Result]:
    """The job that computes a result, which is cached for all sessions.

    Sessions that ask the same wait for the same job, which ends when none of them is connected any
    more.  A session waits for one result of a kind at a time: asked for another, it cancels the
    first job, as it does with what a run of the page doesn't ask for again.

    Args:
        key: What the result is cached by; its first part is the kind.
        prepare: Makes the function to run, of what only this thread may ask Streamlit for.
        expected: About how many passes it takes.
        cache: Where the result is kept; `results()` where None.
    """
    job_key = JOB_KEY_PREFIX + cast("tuple[str, ...]", key)[0]
    st.session_state.setdefault(REQUESTED_JOBS, set()).add(job_key)
    current: tuple[Hashable, BackgroundJob[Result]] | None = st.session_state.get(job_key)
    if current is not None and current[0] == key and not current[1].abandoned:
        return current[1]
    if current is not None:
        current[1].cancel()
    compute, kept, is_present = prepare(), cache or results(), presence.browser()
    job = _jobs.submit(
        key, lambda progress: kept.add(key, compute(progress)), expected, is_present=is_present
    )
    st.session_state[job_key] = (key, job)
    return job


def cancel_job(kind: str) -> None:
    """Cancel the job of a kind and forget it: asked for again, it starts again."""
    _cancel(JOB_KEY_PREFIX + kind)


@contextmanager
def cancel_unrequested_jobs() -> Iterator[None]:
    """Within this, a page runs; jobs of earlier runs that it doesn't ask for again are canceled.

    A run that Streamlit breaks off has not come to all its requests, and cancels nothing.
    """
    st.session_state[REQUESTED_JOBS] = set()
    yield
    for key in [str(name) for name in st.session_state if str(name).startswith(JOB_KEY_PREFIX)]:
        if key not in st.session_state[REQUESTED_JOBS]:
            _cancel(key)


def _cancel(job_key: str) -> None:
    current: tuple[Hashable, BackgroundJob[object]] | None = st.session_state.pop(job_key, None)
    if current is not None:
        current[1].cancel()


def _attribute(request: ExplanationRequest) -> Callable[[ProgressCallback], Attribution]:
    classifier, document = checkpoints.classifier(request.source), request.document
    if document is not None:
        return partial(_attribute_document, classifier, document, request)
    reading = readings.read(*request.inputs)
    perturbation = readings.perturbation(*request.inputs)

    def compute(progress: ProgressCallback) -> Attribution:
        result = attribute(
            classifier,
            reading,
            request.method,
            request.target,
            request.against,
            options=dict(request.options),
            progress=progress,
            shared=perturbation.reporting_to(progress),
        )
        return replace(result, reading=None)  # it is large, and cached by itself

    return compute


def _attribute_document(
    classifier: Classifier,
    document: Document,
    request: ExplanationRequest,
    progress: ProgressCallback,
) -> Attribution:
    result = attribute_document(
        classifier,
        document,
        request.method,
        request.target,
        request.against,
        options=dict(request.options),
        progress=progress,
    )
    return replace(result, reading=None)  # it is large, and cached by itself
