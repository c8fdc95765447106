"""A long text, which is read and explained in the background: how far that is."""

from viz.app import background, checkpoints, documents, long_readings, readings
from viz.app.documents import Windows
from viz.app.panels import job_progress
from viz.app.panels.text import Texts


def wait(source: str, texts: Texts) -> bool:
    """Whether a text can be shown: a short one is read at once, a long one after a while.

    Args:
        source: The checkpoint.
        texts: What is read.
    """
    place, inputs = checkpoints.identity(source), (texts.text, texts.pair, texts.without)
    if texts.windows is not None:
        return _wait_for_window(source, texts, texts.windows)
    if not long_readings.is_long(place, texts.text, texts.pair):
        return True
    if long_readings.known(place, *inputs) is not None:
        return True
    job = background.reading_job(source, *inputs)
    return job_progress.result(job, "reading", label="Reading", seconds=None) is not None


def _wait_for_window(source: str, texts: Texts, windows: Windows) -> bool:
    place = checkpoints.identity(source)
    if not documents.is_long_window(*place, texts.text, texts.without, windows):
        return True
    if readings.kept.get(readings.reading_key(*place, *texts.inputs)) is not None:
        return True
    job = background.window_job(source, texts.text, texts.without, windows)
    label = f"Reading window {windows.index}"
    return job_progress.result(job, "reading", label=label, seconds=None) is not None


def wait_for_contribution(
    source: str, texts: Texts, explained: readings.ExplainedClasses | None
) -> bool:
    """Whether maps can be shown: attention weights at once, contributions after a while.

    Args:
        source: The checkpoint.
        texts: A text that is read.
        explained: The classes whose contributions are shown; None for attention weights.
    """
    place, inputs = checkpoints.identity(source), (texts.text, texts.pair, texts.without)
    if explained is None or texts.windows is not None:
        return True
    if not long_readings.is_long(place, texts.text, texts.pair):
        return True
    if long_readings.known_contribution(place, explained, *inputs) is not None:
        return True
    seconds = background.CONTRIBUTION_PASSES * readings.seconds_per_pass(source, *texts.inputs)
    job = background.contribution_job(source, explained, *inputs)
    return (
        job_progress.result(job, "contribution", label="Contributions", seconds=seconds) is not None
    )
