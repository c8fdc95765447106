"""Checkpoints as the app offers them: loaded once for all sessions, again when they change."""

import os
from contextlib import suppress
from pathlib import Path

import streamlit as st

from viz.errors import CheckpointError
from viz.faithfulness.record import FILE, FaithfulnessRecord, load
from viz.model.checkpoint import local_folder, parts_of
from viz.model.classifier import Classifier, default_checkpoint
from viz.runs.checkpoint_folders import checkpoint_folders, display_name
from viz.runs.public import is_public

Identity = tuple[str, float]
"""Where a checkpoint lies and when it was last written, in seconds since 1970; 0 for a Hub id."""


def offered() -> list[str]:
    """Checkpoints that are offered, the shipped one first.

    Those in assets/ and checkpoints/, and the finished runs of the Train page.
    """
    folders = checkpoint_folders()
    folders.sort(key=lambda folder: folder != default_checkpoint())
    return [display_name(folder) for folder in folders]


def classifier(source: str) -> Classifier:
    """The classifier of a checkpoint, loaded once for all sessions and again when it changes."""
    return load_classifier(*identity(source))


def faithfulness_record(source: str) -> FaithfulnessRecord | None:
    """What was measured of all methods for a checkpoint; None where nothing was.

    Raises:
        RecordError: where the file can't be read.
    """
    return _load_record(*identity(source))


def identity(source: str) -> Identity:
    """By what a checkpoint is cached.

    Raises:
        CheckpointError: where the app is public and doesn't offer it.
    """
    folders = {display_name(folder): folder for folder in checkpoint_folders()}
    if is_public() and source not in folders:
        raise CheckpointError(
            "This app is public and reads with the checkpoints that it offers; choose one of them."
        )
    folder = folders.get(source) or local_folder(source)
    if folder is None:
        return source, 0.0
    return str(folder), _last_change(folder)


def _last_change(folder: Path) -> float:
    """When a file of the checkpoint was last written; what can't be looked at is passed over."""
    times = [0.0]
    for part in parts_of(folder):
        with suppress(OSError):
            for file in part.iterdir():
                with suppress(OSError):  # a link that leads nowhere
                    times.append(file.stat().st_mtime)
    return max(times)


# Classifiers are never changed once made, so that all sessions share them.
@st.cache_resource(max_entries=4, show_spinner="Loading the checkpoint …")
def load_classifier(place: str, version: float) -> Classifier:
    """The classifier of an `Identity`."""
    return Classifier.load(place)


def model(source: str) -> Classifier:
    """The classifier of a checkpoint, or a base model, which predicts nothing."""
    return load_model(*identity(source))


@st.cache_resource(max_entries=2, show_spinner="Loading the base model …")
def load_base(place: str, version: float) -> Classifier:
    """The base model of an `Identity`."""
    return Classifier.load(place, base=True)


def load_model(place: str, version: float) -> Classifier:
    """The classifier of an `Identity`, or its base model where it has no head.

    Raises:
        CheckpointError: where it opens as neither.
    """
    try:
        return load_classifier(place, version)
    except CheckpointError:
        with suppress(CheckpointError):
            return load_base(place, version)
        raise


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_record(place: str, version: float) -> FaithfulnessRecord | None:
    file = Path(place) / FILE
    return load(file) if version and os.path.lexists(file) else None
