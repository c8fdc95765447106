"""One text over the course of fine-tuning."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from viz.app import background, films, keys, link, presence
from viz.app.films import FilmRequest
from viz.app.markdown import plain
from viz.app.panels import text
from viz.app.panels.fragment import fragment
from viz.app.panels.job_progress import PATIENCE, duration
from viz.comparison.film.film import Film, FilmFrame
from viz.export.filenames import checkpoint_name
from viz.export.film import FORMATS, film_file
from viz.export.formats import render
from viz.jobs.background import BackgroundJob
from viz.widgets.film.component import film_player, resting_frame

POLL = 1.0
"""Seconds between two looks at the frames that were read meanwhile."""
SECONDS_PER_FRAME = 0.7
"""About how long one takes, before that was seen."""
FIRST = "film-first"
"""Key of the frame at which the picture began."""
HOW_TO = (
    "`clsight train --keep-epochs` keeps the weights of each epoch, `--keep-steps 50` those of "
    "every 50 steps; the film then shows what each of them made of a text."
)
FILES = {
    "Film (HTML)": ".html",
    "Numbers (CSV)": ".csv",
    "Numbers (JSON)": ".json",
    "Words of this frame (PNG)": "words",
    "Heads of this frame (PNG)": "heads",
}
"""What can be saved: a format of the film, or a figure of one frame."""


def show(checkpoint: str) -> None:
    """Show what the kept steps of a training made of the text.

    Args:
        checkpoint: The finished checkpoint, as the reader chose it.
    """
    left, right = st.columns([5, 3], gap="medium")
    with left:
        texts = text.write_text()
    with right:
        is_there = _choose_training(checkpoint)
    if not is_there:
        return
    request = FilmRequest(checkpoint, texts.text, texts.pair)
    shown = films.film(request)
    for note in shown.encoding.notes:
        st.warning(plain(note), icon=":material/info:")
    st.divider()
    job = None if shown.complete else films.job(request, shown)
    if job is not None and not job.cancelled:
        job.wait(PATIENCE)
    follows = job is not None and not job.cancelled
    fragment(_show_film, run_every=POLL if follows else None)(request, job)


def _choose_training(checkpoint: str) -> bool:
    """Let the reader pick a checkpoint that has kept steps; whether the chosen one has."""
    offered, is_there = films.offered(), films.has_frames(checkpoint)
    if is_there and checkpoint not in offered:
        offered = [checkpoint, *offered]
    if not offered:
        st.info(f"No training here has kept its steps. {HOW_TO}", icon=":material/movie:")
        return False
    st.session_state[keys.TRAINING] = checkpoint if is_there else None
    st.selectbox(
        "Training with kept steps",
        offered,
        key=keys.TRAINING,
        placeholder="Choose a training",
        on_change=_open_training,
        help=HOW_TO,
    )
    if is_there:
        history = films.history(checkpoint)
        size = f"{history.bytes / 1e6:,.1f} MB"
        st.caption(
            f"{len(history.frames)} frames from the base to the finished checkpoint, {size} on disk"
        )
    else:
        st.caption(f"{plain(checkpoint)} has kept no steps of its training; choose one that has.")
    return is_there


def _open_training() -> None:
    """Make the chosen training the checkpoint of the page."""
    st.session_state[keys.CHECKPOINT] = st.session_state[keys.TRAINING]


def _show_film(request: FilmRequest, job: BackgroundJob[Film] | None) -> None:
    """The film as far as it was read; the page runs again once it is whole."""
    shown = films.film(request)
    key = link.key_of_step(keys.FILM)
    resting = resting_frame(key)
    if resting is None:  # the picture is new, and begins where the link says
        st.session_state[FIRST] = _linked_frame(shown)
    else:
        link.keep_choice(keys.FRAME, str(resting), "0")
        films.want(request, resting)
    if job is not None:
        if job.done and not job.cancelled:
            job.result()  # what ended it, where it did not come to its end
            background.cancel_job(films.KIND)
            st.rerun()
        _show_progress(job, shown)
    else:
        _offer_files(request, shown, _linked_frame(shown))
    first = st.session_state.get(FIRST, 0)
    film_player(films.player_data(request, shown, first), key=key)


def _show_progress(job: BackgroundJob[Film], shown: Film) -> None:
    """How far it is, and *Cancel*; what was read until then stays."""
    n_missing = sum(frame is None for frame in shown.frames)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="film-wait"):
        if job.cancelled:
            st.caption(f"Canceled; {n_missing} frames were not read.", width="content")
            st.button("Read them", on_click=partial(background.cancel_job, films.KIND))
            return
        left = job.seconds_left or SECONDS_PER_FRAME * n_missing
        n_read = len(shown.frames) - n_missing
        st.progress(job.progress, text=f"{n_read} of {len(shown.frames)} frames: {duration(left)}")
        st.button("Cancel", on_click=job.cancel, icon=":material/close:", key="film-cancel")


def _linked_frame(shown: Film) -> int:
    """The frame that the link names; the first where it names none."""
    return min(link.number(keys.FRAME) or 0, len(shown.frames) - 1)


def _offer_files(request: FilmRequest, shown: Film, frame: int) -> None:
    """The film as a page or as numbers, and one frame as a figure."""
    offered = [
        label for label, kind in FILES.items() if not (shown.no_attention and kind == "heads")
    ]
    with st.container(
        horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"
    ):
        label = st.selectbox(
            "What is saved", offered, key=keys.FILM_FORMAT, width=260, label_visibility="collapsed"
        )
        chosen = FILES[str(label)]
        is_figure = chosen in films.FIGURES
        refused = is_figure and not isinstance(shown.frames[frame], FilmFrame)
        make: Callable[[], bytes] = (
            partial(_picture, request, frame, chosen)
            if is_figure
            else partial(film_file, shown, chosen, films.run(request))
        )
        what = f"frame-{frame}-{chosen}" if is_figure else "film"
        kind = "png" if is_figure else chosen.removeprefix(".")
        st.download_button(
            "Save",
            data=presence.download(make),
            file_name=checkpoint_name(shown.checkpoint, what, extension=kind),
            mime="image/png" if is_figure else FORMATS[chosen],
            key="film-save",
            on_click="ignore",
            icon=":material/download:",
            disabled=refused,
            help="This frame can't be read." if refused else None,
        )


def _picture(request: FilmRequest, frame: int, what: str) -> bytes:
    return render(films.figure(request, frame, what), "png")
