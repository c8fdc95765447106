"""The settings of a run: each with its default, its reason and its check."""

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from finetune.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16"]
SaveDtype = Literal["float32", "float16"]

PATH_FIELDS = ("data", "validation", "test", "model", "output")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """Everything that decides how a run goes; the docstring of a field is its `--help`."""

    data: tuple[str, ...]
    """Training data: a CSV, TSV, JSON Lines or Parquet file, a folder, or a Hub name
    (NAME or NAME:CONFIG). Give it again for further files with the same columns."""

    model: str
    """Base model to start from: a folder or a Hub name; any BERT-like encoder."""

    output: Path
    """Folder in which the checkpoint is left."""

    validation: str | None = None
    """File whose rows choose the best epoch. Without it, a validation split of the data set
    is used, or one is cut from the training rows."""

    test: str | None = None
    """File that is measured once, after training; it chooses nothing."""

    text_column: str | None = None
    """Column with the text; found by its name when not given."""

    pair_column: str | None = None
    """Column with the second text of a pair; found by its name when not given."""

    label_column: str | None = None
    """Column with the class; found by its name when not given. Lists make a multi-label model."""

    epochs: int = 3
    """How often the training rows are seen; 2 to 4 is usual."""

    batch_size: int = 32
    """Texts per training step."""

    learning_rate: float = 5e-5
    """Peak rate, reached after the warm-up; 2e-5 to 5e-5 suits BERT, up to 1e-4 small models."""

    weight_decay: float = 0.01
    """Decay of weights; biases and layer norms are left out of it."""

    warmup_ratio: float = 0.06
    """Share of the steps in which the rate climbs to its peak before it falls linearly to 0."""

    layer_decay: float = 1.0
    """Factor on the rate for each layer further from the head; 1 is off, 0.9 keeps more of what
    the lower layers know."""

    label_smoothing: float = 0.0
    """Share of each label spread evenly over all classes; 0 is off. Single-label data only."""

    max_length: int | None = None
    """Tokens kept of each text; by default what the model can read, 512 at most."""

    seed: int = 42
    """Seed of the head's first weights, of the order of the rows and of a cut split."""

    precision: Precision = "auto"
    """Arithmetic of training. auto: bfloat16 on a CUDA card that has it, else float32."""

    save_dtype: SaveDtype = "float32"
    """Number format of the saved weights; float16 halves the file."""

    base_name: str | None = None
    """Name of the base model in the model card, when the folder's own name says too little."""

    data_name: str | None = None
    """Name of the data set in the model card."""

    data_terms: str | None = None
    """Terms of use of the data set, for the model card."""

    overwrite: bool = False
    """Replace an output folder that isn't empty."""

    def __post_init__(self) -> None:
        """Check each setting; the first that is wrong is named by its option."""
        if not self.data:
            raise ConfigError("--data is empty; name at least one file, folder or Hub data set")
        for name in ("epochs", "batch_size"):
            _check(name, getattr(self, name), at_least=1)
        _check("max_length", self.max_length or 8, at_least=8)
        _check("seed", self.seed, at_least=0, at_most=2**32 - 1)
        _check("learning_rate", self.learning_rate, above=0, at_most=1)
        _check("weight_decay", self.weight_decay, at_least=0, at_most=1)
        _check("warmup_ratio", self.warmup_ratio, at_least=0, below=1)
        _check("layer_decay", self.layer_decay, above=0, at_most=1)
        _check("label_smoothing", self.label_smoothing, at_least=0, below=1)
        _check_choice("precision", self.precision, Precision.__args__)  # type: ignore[attr-defined]
        _check_choice("save_dtype", self.save_dtype, SaveDtype.__args__)  # type: ignore[attr-defined]

    @property
    def shown_base(self) -> str:
        """The base model's name, without the path on this machine."""
        return self.base_name or shown_name(self.model)

    @property
    def shown_data(self) -> list[str]:
        """The names of the training data, without the paths on this machine."""
        return [shown_name(source) for source in self.data]

    def settings(self) -> dict[str, object]:
        """The settings as JSON values, paths reduced to names."""
        return {field.name: self._shown(field.name) for field in fields(self)}

    def command(self) -> str:
        """The command that makes this run, paths reduced to names and defaults left out."""
        words = ["python", "-m", "finetune", "train"]
        for field in fields(self):
            value = self._shown(field.name)
            if value == field.default or field.name == "overwrite":
                continue
            for item in value if isinstance(value, list) else [value]:
                words += [option(field.name), str(item)]
        return shlex.join(words)

    def _shown(self, name: str) -> object:
        value = getattr(self, name)
        if name == "model":
            return self.shown_base
        if value is None or name not in PATH_FIELDS:
            return value
        if isinstance(value, tuple):
            return [shown_name(item) for item in value]
        return shown_name(str(value))


def option(name: str) -> str:
    """The command-line option of a setting."""
    return "--" + name.replace("_", "-")


def shown_name(source: str) -> str:
    """The last part of a path on this machine; a Hub name as it is."""
    path = Path(source).expanduser()
    return path.resolve().name if path.exists() or path.is_absolute() else source


def _check(
    name: str,
    value: float,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> None:
    bounds = [
        ("at least", at_least, at_least is None or value >= at_least),
        ("above", above, above is None or value > above),
        ("at most", at_most, at_most is None or value <= at_most),
        ("below", below, below is None or value < below),
    ]
    if not all(kept for _, _, kept in bounds):
        allowed = " and ".join(f"{word} {bound}" for word, bound, _ in bounds if bound is not None)
        raise ConfigError(f"{option(name)} is {value}; it has to be {allowed}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{option(name)} is {value!r}; it has to be one of {', '.join(choices)}")
