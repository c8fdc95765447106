"""The records of which the settings of a run are made, each handed to what needs it."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from finetune.checkpoint.truncation import Truncation
from finetune.checkpoint.windows import Cut, Pooling, WindowSettings
from finetune.errors import ConfigError
from finetune.run.column_names import ColumnNames
from finetune.run.local_paths import shown_name
from finetune.run.setting_types import (
    STRICT,
    Factor,
    Folder,
    Minutes,
    Positive,
    Seed,
    Settings,
    Share,
    ShareBelow1,
    Sources,
    Tokens,
    Whole,
)

Precision = Literal["auto", "float32", "bfloat16"]


SaveDtype = Literal["float32", "float16"]


Save = Literal["merged", "adapter"]


ClassWeights = Literal["none", "balanced", "effective"]


Task = Literal["auto", "classes", "regression"]


BERT_LEARNING_RATE = 5e-5
"""The peak rate that suits BERT-base: Devlin et al. 2019, appendix A.3."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ColumnConfig(Settings):
    """Columns"""

    text_column: str | None = None
    """Column with the text; by default found by its name."""

    pair_column: str | None = None
    """Column with the second text of a pair; by default found by its name."""

    label_column: str | None = None
    """Column with the class or score; by default found by its name. Lists of classes make a
    multi-label model."""

    @property
    def columns(self) -> ColumnNames:
        """The columns that are named; the others are found."""
        return ColumnNames(text=self.text_column, pair=self.pair_column, label=self.label_column)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class DataConfig(ColumnConfig):
    """Data"""

    data: Sources
    """Training data: a CSV, TSV, JSON Lines or Parquet file, a folder, or a Hub name
    (NAME or NAME:CONFIG). Repeat the option for further files with the same columns."""

    validation: str | None = None
    """File whose rows choose the best epoch. Without it, a validation split of the data set
    is used, or one is split off from the training rows."""

    test: str | None = None
    """File that is measured once, after training; no choice is based on it."""

    task: Task = "auto"
    """What the label column holds: classes, or a score to predict (regression). auto: a score where
    all labels are numbers and some have fractions; give regression for whole numbers, as 1 to 5."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Files, folders and Hub names that rows are read from."""
        return (*self.data, *filter(None, (self.validation, self.test)))

    def __post_init__(self) -> None:
        """Refuse to learn from nothing."""
        if not self.data:
            raise ConfigError("--data is empty; name at least one file, folder or Hub data set")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelConfig(Settings):
    """Model"""

    model: str
    """Base model to start from: a folder or a Hub name; encoder, decoder or both, any on which
    transformers puts a classification head."""

    base_name: str | None = None
    """Name of the base model in the model card, when the folder's own name says too little."""

    @property
    def shown_base(self) -> str:
        """The base model's name, without the path on this machine."""
        return self.base_name or shown_name(self.model)


@dataclass(frozen=True, kw_only=True, config=STRICT)
class InputConfig(Settings):
    """Long texts"""

    max_length: Tokens | None = None
    """Tokens kept of each text; by default what the model can read, 512 at most."""

    truncation: Truncation = "head"
    """What is kept of a longer text. head+tail keeps a quarter of the limit from the beginning and
    the rest from the end. The app cuts at the same place, but only texts of more tokens than the
    model can read."""

    window_stride: Whole = 0
    """Read a longer text whole, in windows that begin this many tokens apart at most; half the
    limit is usual; 0 turns it off. Training, measuring and the app pool the logits of a text's
    windows, and --batch-size counts windows then."""

    window_pooling: Pooling = "mean"
    """How the logits of its windows become those of a text: their mean, the largest of each class,
    or those of the first window alone."""

    window_cut: Cut = "sentences"
    """Where windows begin and end: at sentences, as far as there are any that a window holds, or at
    any tokens."""

    max_windows: Whole = 8
    """Windows of a text that an epoch of training reads at most, drawn for each; 0 reads all.
    Measuring reads all."""

    def __post_init__(self) -> None:
        """Refuse what would have no effect."""
        if self.window_stride and self.truncation != "head":
            raise ConfigError(
                "--truncation says what is kept of a longer text, of which --window-stride keeps"
                " all; leave one of them out"
            )
        if not self.window_stride and (self.window_pooling, self.window_cut) != (
            "mean",
            "sentences",
        ):
            raise ConfigError(
                "--window-pooling and --window-cut are for windows; give --window-stride too"
            )

    @property
    def windows(self) -> WindowSettings | None:
        """How longer texts are read in windows; None where they are cut."""
        if not self.window_stride:
            return None
        return WindowSettings(
            stride=self.window_stride, pooling=self.window_pooling, cut=self.window_cut
        )

    @property
    def windows_of_epoch(self) -> int | None:
        """Windows of a text that training reads in an epoch; None for all."""
        return 1 if self.window_pooling == "first" else self.max_windows or None


@dataclass(frozen=True, kw_only=True, config=STRICT)
class SeedConfig(Settings):
    """Random numbers"""

    seed: Seed = 42
    """Seed of a cut split, and in training of the head's first weights, the order of the rows and
    dropout."""

    split_seed: Seed | None = None
    """Seed of a cut split alone; by default --seed."""

    @property
    def cut_seed(self) -> int:
        """The seed of a cut split."""
        return self.seed if self.split_seed is None else self.split_seed


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LoopConfig(Settings):
    """Epochs, batches and arithmetic"""

    epochs: Positive = 3
    """How often the training rows are seen; 2 to 4 is usual."""

    pretrain_epochs: Whole = 0
    """Epochs of a first stage that trains the base on masked words of the training texts; 0 turns
    it off. For texts unlike those the base has read, and for encoders, which guess masked words;
    takes as long as other epochs. All weights learn in it, at the rate of the model's width."""

    batch_size: Positive = 32
    """Texts per training step, on average. A step takes more short texts, or fewer long ones, as
    many as hold the same number of tokens."""

    batch_tokens: Tokens | None = None
    """Tokens of a batch, about, padding counted. By default as many as make the number of batches
    that --batch-size texts in each would make."""

    gradient_accumulation: Positive = 1
    """Batches per step: for a large --batch-size on a small GPU, divide it by this."""

    gradient_checkpointing: bool = False
    """Compute the forward pass of each layer twice rather than keep it: less memory, slower."""

    compile: bool = False
    """Compile the model first (torch.compile): slow to start, faster steps on a CUDA GPU."""

    fsdp: bool = False
    """Let each of several processes keep a part of weights, gradients and optimizer (FSDP2), for a
    model that doesn't fit on a card; slower than whole copies."""

    deterministic: bool = False
    """Only take operations that give the same bits each time, also on a CUDA GPU; slower there."""

    precision: Precision = "auto"
    """Arithmetic of training; weights stay float32. auto: bfloat16 on a CUDA GPU that has it, or on
    a CPU that has it where a short trial is faster (not with --deterministic); else float32. Which
    it was, and why, is in run.json. Seeds and trials of a search all take the same."""

    patience: Whole = 0
    """Stop after this many epochs without a better macro F1 (or R2) on validation; 0 turns it
    off."""

    seeds: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Train this often on the same rows, with --seed and the numbers after it. The run that is best
    on validation is kept, and mean and interval of all are reported."""

    ignore_check: bool = False
    """Train even if the data check found something fatal; what can't be trained still stops."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OptimizerConfig(Settings):
    """Optimizer and layers that learn"""

    learning_rate: Factor | None = None
    """Peak rate, reached after the warm-up. By default 5e-5 for a model as wide as BERT-base (768),
    more for narrower and less for wider ones: 1e-4 for 384; ten times that for --lora-rank and
    --head-only."""

    weight_decay: Share = 0.01
    """Decay of weights; biases and layer norms are left out of it."""

    warmup_ratio: ShareBelow1 = 0.06
    """Share of the steps in which the rate climbs to its peak before it falls linearly to 0."""

    layer_decay: Factor = 1.0
    """Factor on the rate for each layer further from the head; 1 turns it off, 0.9 keeps more of
    what the lower layers know."""

    freeze_layers: Whole = 0
    """Keep the embeddings and this many lowest layers as they are; 0 trains all. Saves time and
    memory where data are few. An encoder's layers are below those of its decoder."""

    head_only: bool = False
    """Train the head alone: quick, and far less accurate."""

    gradual_unfreezing: Share = 0.0
    """Share of the steps in which the layers join the head one by one from the top; 0 trains all
    from the start."""

    lora_rank: Whole = 0
    """Train LoRA adapters of this rank in place of all weights; 8 or 16 is usual; 0 turns it off.
    They are put on the attention of every layer, or on all of its linear maps where the attention
    has none; the head learns too."""

    lora_alpha: Positive = 16
    """Scale of the LoRA update, divided by the rank; once or twice the rank is usual."""

    @property
    def freezes(self) -> bool:
        """Whether some layers don't learn, or not from the start."""
        return bool(self.head_only or self.freeze_layers or self.gradual_unfreezing)

    @property
    def rate(self) -> float:
        """The peak rate; where none is given, that of a model as wide as BERT-base."""
        return BERT_LEARNING_RATE if self.learning_rate is None else self.learning_rate


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LossConfig(Settings):
    """Loss"""

    label_smoothing: ShareBelow1 = 0.0
    """Share of each label spread evenly over all classes; 0 turns it off. Single-label data
    only."""

    class_weights: ClassWeights = "none"
    """Weight of a class in the loss, for classes of very different size, at some cost in accuracy.
    balanced: one over its number of rows; effective: the same, milder for large classes."""

    masking: bool = False
    """Hide tokens in half of each batch, at ratios drawn from 0 to 1, so that hidden words are
    nothing unusual: for a twin of a checkpoint that judges explanations. Costs some accuracy."""


@dataclass(frozen=True, kw_only=True, config=STRICT)
class OutputConfig(Settings):
    """Output"""

    output: Folder
    """Folder in which the checkpoint is left."""

    overwrite: bool = False
    """Replace an output folder that isn't empty, and forget a stopped run or search of it."""

    resume: bool = False
    """Continue a stopped run of this output. Start it where there is none, and do nothing where it
    is finished with the same settings."""

    save_minutes: Minutes = 5.0
    """Minutes between two snapshots, from the last of which a killed run is resumed; 0 makes
    one after each step."""

    keep_epochs: bool = False
    """Keep the weights after each epoch, and those before the first step, to see afterwards what
    training changed; what that takes on disk is said first."""

    keep_steps: Whole = 0
    """Keep the weights every so many steps, those before the first and after the last too; 0 turns
    it off."""

    save: Save = "merged"
    """What is kept of a run with --lora-rank: the whole model, adapters merged into it, or the
    folder of an adapter, which is small and opens as long as the base model stays in its place."""

    save_dtype: SaveDtype = "float32"
    """Number format of the saved weights; float16 halves the file."""

    push_to_hub: str | None = None
    """Hub name (OWNER/NAME) under which the finished folder is uploaded, private where it is new;
    needs a token of the Hub."""

    baseline: bool = True
    """Also train TF-IDF with a linear SVM and naive Bayes, or with ridge regression, on the same
    rows, to compare with."""

    ranking: bool = True
    """Also rank the methods that explain a text, on 100 validation rows and for two minutes at
    most, once the checkpoint is in its place: the Read page begins with the best one. Done by the
    command clsight and the app."""

    data_name: str | None = None
    """Name of the data set in the model card."""

    data_terms: str | None = None
    """Terms of use of the data set, for the model card."""

    @property
    def keeps_history(self) -> bool:
        """Whether weights of the way are kept."""
        return self.keep_epochs or bool(self.keep_steps)
