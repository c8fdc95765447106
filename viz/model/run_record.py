"""The record of the training that made a classifier, where one lies beside its weights."""

from pathlib import Path

from finetune.errors import ModelError
from finetune.run.record import RunRecord
from viz.model.classifier import Classifier


def checkpoint_folder(classifier: Classifier) -> Path:
    """The folder that a classifier was loaded from."""
    return Path(str(classifier.config.name_or_path))


def run_record(classifier: Classifier) -> RunRecord | None:
    """The record of the run that made a classifier; None where there is none beside its weights."""
    try:
        record = RunRecord.load(checkpoint_folder(classifier))
    except ModelError:
        return None
    return record if record.labels == classifier.labels else None
