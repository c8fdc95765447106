"""The settings of a run: each with its default, its reason and its check."""

import os
import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from finetune.checkpoint.truncation import Truncation
from finetune.errors import ConfigError, quoted
from finetune.run.column_names import ColumnNames

Precision = Literal["auto", "float32", "bfloat16"]
SaveDtype = Literal["float32", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
SAVE_DTYPES: tuple[SaveDtype, ...] = get_args(SaveDtype)
ClassWeights = Literal["none", "balanced", "effective"]
Task = Literal["auto", "classes", "regression"]

CHOICES: dict[str, tuple[str, ...]] = {
    "task": get_args(Task),
    "precision": PRECISIONS,
    "save_dtype": SAVE_DTYPES,
    "class_weights": get_args(ClassWeights),
    "truncation": get_args(Truncation),
}

INPUTS = ("data", "validation", "test")
"""Settings that name a file, a folder or a Hub data set."""

BERT_LEARNING_RATE = 5e-5
"""The peak rate that suits BERT-base: Devlin et al. 2019, appendix A.3."""

COMMAND_SETTINGS = ("overwrite", "resume")
"""Settings that say what to do with what is there already, and nothing of the run."""


MAX_NUMBER = 10**9
"""What no number of a setting exceeds; libraries count in 32 bits here and there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Numbers from `low` to `high`, without those two where the range is open."""

    low: float
    high: float = MAX_NUMBER
    open_low: bool = False
    open_high: bool = False

    def __contains__(self, value: float) -> bool:
        """Whether *value* lies inside; neither NaN nor an infinity does."""
        above = value > self.low if self.open_low else value >= self.low
        below = value < self.high if self.open_high else value <= self.high
        return above and below

    def __str__(self) -> str:
        """The range in words."""
        low = f"{'above' if self.open_low else 'at least'} {self.low}"
        high = f" and {'below' if self.open_high else 'at most'} {self.high}"
        return low if self.high == MAX_NUMBER else low + high


RANGES = {
    "epochs": Range(low=1),
    "pretrain_epochs": Range(low=0),
    "batch_size": Range(low=1),
    "batch_tokens": Range(low=8),
    "gradient_accumulation": Range(low=1),
    "save_minutes": Range(low=0),
    "max_length": Range(low=8),
    "seed": Range(low=0, high=2**32 - 1),
    "split_seed": Range(low=0, high=2**32 - 1),
    "seeds": Range(low=1, high=1_000),
    "learning_rate": Range(low=0, high=1, open_low=True),
    "weight_decay": Range(low=0, high=1),
    "warmup_ratio": Range(low=0, high=1, open_high=True),
    "layer_decay": Range(low=0, high=1, open_low=True),
    "label_smoothing": Range(low=0, high=1, open_high=True),
    "freeze_layers": Range(low=0),
    "gradual_unfreezing": Range(low=0, high=1),
    "lora_rank": Range(low=0),
    "lora_alpha": Range(low=1),
    "patience": Range(low=0),
    "window_stride": Range(low=0),
}


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
    """Column with the class or score; found by its name when not given. Lists make a multi-label
    model."""

    task: Task = "auto"
    """What the label column holds: classes, or a score to predict (regression). auto: a score where
    all labels are numbers and some have fractions; give regression for whole numbers, as 1 to 5."""

    ignore_check: bool = False
    """Train although the data check found something fatal; what can't be trained still stops."""

    epochs: int = 3
    """How often the training rows are seen; 2 to 4 is usual."""

    pretrain_epochs: int = 0
    """Epochs of a first stage that trains the base on hidden words of the training texts; 0 is off.
    For texts unlike those the base has read; takes as long as other epochs. All weights learn in
    it, at the rate of the model's width."""

    batch_size: int = 32
    """Texts per training step, on average: a step takes more short texts, or fewer long ones, as
    many as hold the same number of tokens."""

    batch_tokens: int | None = None
    """Tokens of a batch, about, padding counted; by default as many as make the number of batches
    that --batch-size texts in each would make."""

    gradient_accumulation: int = 1
    """Batches per step: for a large --batch-size on a small card, divide it by this."""

    gradient_checkpointing: bool = False
    """Compute the forward pass of each layer twice rather than keep it: less memory, slower."""

    compile: bool = False
    """Compile the model first (torch.compile): a minute or more at the start, faster steps after it
    on a CUDA card; for long runs."""

    learning_rate: float | None = None
    """Peak rate, reached after the warm-up. By default 5e-5 for a model as wide as BERT-base (768),
    more for narrower and less for wider ones: 1e-4 for 384; ten times that for --lora-rank and
    --head-only."""

    weight_decay: float = 0.01
    """Decay of weights; biases and layer norms are left out of it."""

    warmup_ratio: float = 0.06
    """Share of the steps in which the rate climbs to its peak before it falls linearly to 0."""

    layer_decay: float = 1.0
    """Factor on the rate for each layer further from the head; 1 is off, 0.9 keeps more of what
    the lower layers know."""

    freeze_layers: int = 0
    """Keep the embeddings and this many lowest layers as they are; 0 trains all. Saves time and
    memory where data are few."""

    head_only: bool = False
    """Train the head alone: quick, and far less accurate."""

    gradual_unfreezing: float = 0.0
    """Share of the steps in which the layers join the head one by one from the top; 0 trains all
    from the start."""

    lora_rank: int = 0
    """Train LoRA adapters of this rank on the attention of every layer, and the head, in place of
    all weights; 8 or 16 is usual; 0 is off."""

    lora_alpha: int = 16
    """Over the rank, the factor on what LoRA adapters add; once or twice the rank is usual."""

    patience: int = 0
    """Stop after this many epochs without a better macro F1 (or R2) on validation; 0 is off."""

    label_smoothing: float = 0.0
    """Share of each label spread evenly over all classes; 0 is off. Single-label data only."""

    class_weights: ClassWeights = "none"
    """Weight of a class in the loss. balanced: one over its number of rows; effective: the same,
    milder for large classes. For classes of very different size, at some cost in accuracy."""

    max_length: int | None = None
    """Tokens kept of each text; by default what the model can read, 512 at most."""

    truncation: Truncation = "head"
    """What is kept of a longer text; head+tail keeps a quarter of the limit from the beginning and
    the rest from the end. The app reads the head."""

    window_stride: int = 0
    """Measure the finished model on windows of the limit over the whole text, each this many tokens
    further on, and average their logits; 0 is off. Training and the app read one window."""

    seed: int = 42
    """Seed of the head's first weights, of the order of the rows, of dropout and of a cut split."""

    split_seed: int | None = None
    """Seed of a cut split alone; by default --seed."""

    seeds: int = 1
    """Train this often on the same rows, with --seed and the numbers after it; the run that is best
    on validation is kept, and mean and interval of all are told."""

    deterministic: bool = False
    """Only take operations that give the same bits each time, also on a CUDA card; slower there."""

    precision: Precision = "auto"
    """Arithmetic of training. auto: bfloat16 on a CUDA card that has it, else float32."""

    save_dtype: SaveDtype = "float32"
    """Number format of the saved weights; float16 halves the file."""

    push_to_hub: str | None = None
    """Hub name (OWNER/NAME) under which the finished folder is uploaded, private where it is new;
    needs a token of the Hub."""

    baseline: bool = True
    """Also train TF-IDF with a linear SVM and naive Bayes, or with ridge regression, on the same
    rows, to compare with."""

    base_name: str | None = None
    """Name of the base model in the model card, when the folder's own name says too little."""

    data_name: str | None = None
    """Name of the data set in the model card."""

    data_terms: str | None = None
    """Terms of use of the data set, for the model card."""

    overwrite: bool = False
    """Replace an output folder that isn't empty, and forget a stopped run of it."""

    resume: bool = False
    """Continue a stopped run of this output; start it where there is none, and do nothing where
    it is finished with the same settings."""

    save_minutes: float = 5.0
    """Minutes between two snapshots of a run, from the last of which a killed one goes on; 0 makes
    one after each step."""

    def __post_init__(self) -> None:
        """Check each setting; the first that is wrong is named by its option."""
        if not self.data:
            raise ConfigError("--data is empty; name at least one file, folder or Hub data set")
        for name, allowed in RANGES.items():
            value = getattr(self, name)
            if value is not None and value not in allowed:
                ceiling = (
                    f" and at most {MAX_NUMBER:,}" if allowed.high == MAX_NUMBER < value else ""
                )
                raise ConfigError(
                    f"{option_name(name)} is {quoted(value)}; it has to be {allowed}{ceiling}"
                )
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(
                    f"{option_name(name)} is {getattr(self, name)!r}; it has to be one of"
                    f" {', '.join(choices)}"
                )
        self._check_together()

    def _check_together(self) -> None:
        """Refuse settings of which one would undo the other."""
        if self.resume and self.overwrite:
            raise ConfigError("--resume continues a run, --overwrite starts over; give one")
        if self.seed + self.seeds > 2**32:
            raise ConfigError(f"--seed is {self.seed}; {self.seeds} seeds from there are too large")
        if self.lora_rank and self.freezes:
            raise ConfigError("--lora-rank trains adapters and the head; leave out freezing")
        for name in ("freeze_layers", "gradual_unfreezing"):
            if self.head_only and getattr(self, name):
                raise ConfigError(f"--head-only trains no layer; leave out {option_name(name)}")

    @property
    def freezes(self) -> bool:
        """Whether some layers don't learn, or not from the start."""
        return bool(self.head_only or self.freeze_layers or self.gradual_unfreezing)

    @property
    def columns(self) -> ColumnNames:
        """The columns that are named; the others are found."""
        return ColumnNames(text=self.text_column, pair=self.pair_column, label=self.label_column)

    @property
    def shown_base(self) -> str:
        """The base model's name, without the path on this machine."""
        return self.base_name or shown_name(self.model)

    @property
    def shown_data(self) -> list[str]:
        """The names of the training data, without the paths on this machine."""
        return [shown_name(source) for source in self.data]

    @property
    def inputs(self) -> tuple[str, ...]:
        """Whatever the run reads: files, folders and Hub names."""
        return (self.model, *self.data, *filter(None, (self.validation, self.test)))

    @property
    def rate(self) -> float:
        """The peak rate; where none is given, that of a model as wide as BERT-base."""
        return BERT_LEARNING_RATE if self.learning_rate is None else self.learning_rate

    @property
    def cut_seed(self) -> int:
        """The seed of a cut split."""
        return self.seed if self.split_seed is None else self.split_seed

    def settings(self) -> dict[str, object]:
        """The settings of the run as JSON values, paths reduced to names."""
        names = (field.name for field in fields(self))
        return {name: self._shown(name) for name in names if name not in COMMAND_SETTINGS}

    def command(self) -> str:
        """The command that makes this run, paths reduced to names and defaults left out."""
        words = ["python", "-m", "finetune", "train"]
        for field in fields(self):
            value = self._shown(field.name)
            if value == field.default or field.name in COMMAND_SETTINGS:
                continue
            if isinstance(value, bool):
                words.append(switch_name(field.name, value))
                continue
            for item in value if isinstance(value, list) else [value]:
                words += [option_name(field.name), str(item)]
        return shlex.join(words)

    def _shown(self, name: str) -> object:
        value = getattr(self, name)
        if name == "model":
            return self.shown_base
        if name == "output":
            return local_path(str(self.output)).resolve().name
        if value is None or name not in INPUTS:
            return value
        if isinstance(value, tuple):
            return [shown_name(item) for item in value]
        return shown_name(value)


def option_name(name: str) -> str:
    """The command-line option of a setting."""
    return "--" + name.replace("_", "-")


def switch_name(name: str, on: bool) -> str:
    """The command-line option that turns a setting on or off."""
    return option_name(name) if on else "--no-" + name.replace("_", "-")


def local_path(source: str) -> Path:
    """The path that *source* names on this machine; `~nobody` stays as it is."""
    if "\0" in source:
        return Path(source)
    return Path(os.path.expanduser(source))  # noqa: PTH111 - Path.expanduser raises on it


def shown_name(source: str) -> str:
    """The last part of a path on this machine; a Hub name as it is."""
    path = local_path(source)
    # Path's own methods raise on a name too long, and resolve on one with NUL.
    if "\0" in source or not (os.path.exists(path) or path.is_absolute()):  # noqa: PTH110
        return source
    return path.resolve().name
