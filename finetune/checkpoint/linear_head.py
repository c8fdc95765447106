"""Writes a linear classifier of scikit-learn into a folder of sentence-transformers.

For whoever trusts the pickle that holds one: `joblib.load` is theirs to call.  The folder then
opens as a classifier, in CLSight and in sentence-transformers.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from safetensors.torch import save_file

from finetune.checkpoint.folder import CONFIG, MODULES, SETFIT, WEIGHTS
from finetune.checkpoint.sentence_modules import BIAS, DENSE, NORMALIZE, WEIGHT
from finetune.checkpoint.source import shown
from finetune.errors import ModelError

LIBRARY = "sentence_transformers.models"


def save_linear_head(
    folder: str, weights: ArrayLike, biases: ArrayLike, classes: Sequence[Any]
) -> None:
    """Append a linear layer to the modules of *folder*, and name its outputs as classes.

    Args:
        folder: A folder of sentence-transformers or SetFit.
        weights: (C, D), or (1, D) where two classes share one row, as `LogisticRegression.coef_`.
        biases: (C,) or (1,), as `intercept_`.
        classes: The classes, as `classes_`.

    Raises:
        ModelError: They are not those of a linear classifier, or there is no such folder.
    """
    place = Path(folder)
    matrix, vector = (np.ascontiguousarray(part, np.float32) for part in (weights, biases))
    if len(matrix) == 1 and len(classes) == 2:  # softmax of 0 and a logit is its sigmoid
        matrix, vector = (np.concatenate([np.zeros_like(part), part]) for part in (matrix, vector))
    if matrix.ndim != 2 or len(matrix) != len(classes) or vector.shape != (len(classes),):
        raise ModelError(
            f"the head has weights of shape {matrix.shape} for {len(classes)} classes; it has to be"
            " a linear classifier with one row for each, as LogisticRegression is"
        )
    try:
        listed = json.loads((place / MODULES).read_text("utf-8"))
        about_encoder = place / listed[0]["path"] / CONFIG
        settings = json.loads(about_encoder.read_text("utf-8"))
        setfit = _read(place / SETFIT)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ModelError(
            f"{shown(place.resolve().name)} is not a folder of sentence-transformers; run this"
            " inside the one that the head belongs to"
        ) from error
    kinds = [str(entry["type"]).rpartition(".")[2] for entry in listed]
    if setfit.get("normalize_embeddings") and NORMALIZE not in kinds:
        listed.append(_entry(len(listed), NORMALIZE))
    entry = _entry(len(listed), DENSE)
    room = place / entry["path"]
    room.mkdir()
    rows, columns = matrix.shape
    about = {
        "in_features": columns, "out_features": rows, "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }  # fmt: skip
    (room / CONFIG).write_text(json.dumps(about, indent=2), encoding="utf-8")
    tensors = {WEIGHT: torch.from_numpy(matrix), BIAS: torch.from_numpy(vector)}
    save_file(tensors, room / WEIGHTS, metadata={"format": "pt"})
    names = _names(classes, setfit.get("labels"))
    settings |= {
        "id2label": dict(enumerate(names)),
        "label2id": {name: number for number, name in enumerate(names)},
    }
    about_encoder.write_text(json.dumps(settings, indent=2), encoding="utf-8")
    (place / MODULES).write_text(json.dumps([*listed, entry], indent=2), encoding="utf-8")


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    return found


def _entry(number: int, kind: str) -> dict[str, Any]:
    return {
        "idx": number, "name": str(number), "path": f"{number}_{kind}",
        "type": f"{LIBRARY}.{kind}",
    }  # fmt: skip


def _names(classes: Sequence[Any], labels: list[str] | None) -> list[str]:
    """The names of classes, which SetFit may have trained by their numbers."""
    numbers = [int(each) if isinstance(each, int | np.integer) else None for each in classes]
    if labels and numbers == list(range(len(labels))):
        return [str(label) for label in labels]
    return [str(each) for each in classes]
