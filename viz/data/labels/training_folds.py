"""Probabilities of classes by real trainings in folds: each row's by a model that never saw it."""

import hashlib
import io
import json
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from finetune.checkpoint.arrays import FloatArray, IntArray
from finetune.run.atomic_files import remove_quietly, write_atomically
from finetune.run.local_paths import local_path
from finetune.run.record import RunRecord
from viz.attribution.method import no_progress
from viz.data.rows.audit_rows import AuditRows
from viz.data.rows.row_predictions import predict
from viz.errors import RunError, VizError, as_sentence
from viz.jobs.background import ProgressCallback
from viz.jobs.cancellation import check_cancelled
from viz.model.classifier import Classifier

OWN_SETTINGS = frozenset({
    "data", "validation", "test", "text_column", "pair_column", "label_column", "task",
    "model", "base_name", "output", "overwrite", "resume", "save", "save_dtype", "save_minutes",
    "keep_epochs", "keep_steps", "push_to_hub", "baseline", "data_name", "data_terms", "seeds",
    "ignore_check",
})  # fmt: skip
"""Settings of a run that a fold has of its own; all others are those of the run."""
TRAINING_PASSES = 3
"""About what a step costs for each of its texts: one pass forward and two backward."""
POLL_SECONDS = 0.2
STOP_SECONDS = 30.0
"""How long a training may take to keep a snapshot before it is killed."""
FLOOR = 1e-6
"""Probability of a class that no row of a training has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldTrainings:
    """What the trainings of all folds share."""

    classifier: Classifier
    """What the rows are of; it gives the order of the classes."""
    record: RunRecord
    """Of its run, for the settings."""
    base: str
    """The model to start from, a folder or a Hub id."""
    rows: AuditRows
    names: Mapping[int, tuple[str, ...]]
    """The classes of each of the N rows that take part, by its number."""
    work: Path
    """A folder for what is finished; it is made where there is none."""

    def log_probabilities(
        self, folds: IntArray, progress: ProgressCallback = no_progress
    ) -> FloatArray:
        """Train once for each fold on all others, and read the fold's rows.

        What is finished stays in `work`, so that the next call with the same rows and settings
        goes on where this one ended, within a training at its last snapshot.

        Args:
            folds: The fold of each row that takes part.  (N,)
            progress: Called with passes, those of a training when it is over.

        Returns:
            (N, C); for a multi-label classifier (N, C, 2), of the class not being there, and of it
            being there.

        Raises:
            RunError: if a training fails; one sentence says why.
            OSError: if the folder can't be written to.
        """
        self.work.mkdir(parents=True, exist_ok=True)
        numbers = np.array(list(self.names))
        n_folds = int(folds.max()) + 1
        parts = [self._fold(numbers[folds == fold], progress) for fold in range(n_folds)]
        values = np.empty((len(numbers), *parts[0].shape[1:]))
        for fold, part in enumerate(parts):
            values[folds == fold] = part
        return values

    def _fold(self, held_out: IntArray, progress: ProgressCallback) -> FloatArray:
        """What a model trained on the other rows says of the rows of a fold."""
        check_cancelled()
        own = set(held_out.tolist())
        train = [number for number in self.names if number not in own]
        content = "".join(f"{json.dumps(self._line(number))}\n" for number in train)
        settings = _settings(self.record, paired=self.rows.pairs is not None)
        parts = [self.base, settings, content, *map(str, sorted(own))]
        key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
        result = self.work / f"{key}.npy"
        passes = _training_passes(self.record, len(train))
        if result.is_file():
            progress(passes + len(held_out))
            return np.asarray(np.load(result, allow_pickle=False), dtype=float)
        data, config = self.work / f"{key}.jsonl", self.work / f"{key}.toml"
        output = self.work / key
        write_atomically(data, content)
        write_atomically(config, settings)
        _train(
            [
                f"--config={config}",
                f"--data={data}",
                f"--model={self.base}",
                f"--output={output}",
            ]
        )
        progress(passes)
        values = self._read(self._loaded(output), held_out, progress)
        buffer = io.BytesIO()
        np.save(buffer, values, allow_pickle=False)
        write_atomically(result, buffer.getvalue())
        for path in (output, data, config):
            remove_quietly(path)
        return values

    def _line(self, number: int) -> dict[str, object]:
        """A row as the training reads it."""
        line: dict[str, object] = {"text": self.rows.texts[number]}
        if self.rows.pairs is not None:
            line["text_pair"] = self.rows.pairs[number]
        # Numbers, as a name may be one that a reader of files takes for something else.
        labels = [f"class {self.classifier.labels.index(name)}" for name in self.names[number]]
        return line | {"label": labels if self.classifier.multi_label else labels[0]}

    def _loaded(self, output: Path) -> Classifier:
        """The model of a fold, which reads texts that are too long as the classifier does."""
        return Classifier.load(output).with_windows(self.classifier.encoder.window_settings)

    def _read(self, model: Classifier, numbers: IntArray, progress: ProgressCallback) -> FloatArray:
        """Logarithms of what a model of a fold says of the classes of the classifier."""
        pairs = self.rows.pairs
        predictions = predict(
            model,
            [self.rows.texts[number] for number in numbers],
            None if pairs is None else [pairs[number] for number in numbers],
            progress=progress,
        )
        columns = [int(label.removeprefix("class ")) for label in model.labels]
        values = np.zeros((len(numbers), self.classifier.n_classes))
        values[:, columns] = predictions.probabilities
        values = np.clip(values, FLOOR, 1 - FLOOR)
        if self.classifier.multi_label:
            return np.log(np.stack([1 - values, values], axis=2))
        logarithms: FloatArray = np.log(values / values.sum(axis=1, keepdims=True))
        return logarithms


def fold_passes(record: RunRecord, n_rows: int, n_folds: int) -> float:
    """About how many forward passes the trainings of all folds and their reading take."""
    return n_rows + _training_passes(record, n_rows * (n_folds - 1))


def _training_passes(record: RunRecord, n_rows: int) -> float:
    return TRAINING_PASSES * int(record.settings.get("epochs", 1)) * n_rows


def base_model(record: RunRecord, folder: Path) -> str:
    """Where the base of a run is: the folder of its name here or beside the checkpoint, or the Hub.

    A record names the base without the path that it had.
    """
    name = str(record.settings.get("model") or record.base)
    for place in (local_path(name), folder.resolve().parent / name):
        if place.is_dir():
            return str(place)
    return name


def _settings(record: RunRecord, *, paired: bool) -> str:
    """The settings of the run as a file of TOML, with what a fold has of its own."""
    settings = {
        name: value
        for name, value in sorted(record.settings.items())
        if name not in OWN_SETTINGS and value is not None
    }
    settings |= {"resume": True, "baseline": False, "ignore_check": True, "task": "classes"}
    settings |= {"text_column": "text", "label_column": "label"}
    if paired:
        settings["pair_column"] = "text_pair"
    # JSON's words, numbers and truth values are TOML's.
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def _train(options: Sequence[str]) -> None:
    """Run `clsight train`; where the result isn't wanted any more, stop it with a snapshot.

    Raises:
        RunError: if it fails.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune", "train", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        while True:
            try:
                _, errors = process.communicate(timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                check_cancelled()
    except BaseException:
        _stop(process)
        raise
    if process.returncode:
        lines = [line for part in errors.splitlines() if (line := part.strip(" │╭╮╰╯─"))]
        reason = lines[-1] if lines else f"it ended with code {process.returncode}"
        raise RunError(as_sentence(VizError(f"a fold can't be trained: {reason}")))


def _stop(process: "subprocess.Popen[str]") -> None:
    """Do what Ctrl-C does, and wait; after a while end it."""
    if process.poll() is None:
        if sys.platform == "win32":
            process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
