"""A fine-tuned classifier: load a checkpoint, encode a text, read it in one recorded pass."""

import inspect
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel

from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.families import NAMES_OR
from finetune.checkpoint.problem_types import MULTI_LABEL
from finetune.checkpoint.temperature import probabilities, stored_temperature
from finetune.checkpoint.truncation import Truncation, stored_stride, stored_truncation
from finetune.errors import ModelError, with_article
from viz.errors import CheckpointError, as_sentence
from viz.model.checkpoint import Checkpoint, is_regression, max_input_length, open_checkpoint
from viz.model.encoding import Encoder
from viz.model.installation import ASSETS
from viz.model.probe import Capabilities, Probe, ProbeError, module_settings, probe_length
from viz.model.recording import ATTENTION, Recorder, install_hooks
from viz.types import Attention, Encoding, Inputs, Prediction, Reading

FORWARD_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(RuntimeError, TypeError, ValueError),
)
"""What a forward pass of an unknown architecture can raise."""

MAX_ATTENTION_BYTES = 2**30
"""Bytes that the attention weights of one reading may take: 1,365 tokens at 12 x 12 heads."""


class Classifier:
    """A text classifier whose every forward pass can be recorded; safe to share between threads."""

    def __init__(self, checkpoint: Checkpoint, *, records: bool, device: torch.device) -> None:
        self.name = checkpoint.name
        self.fingerprint = checkpoint.fingerprint
        self.config = checkpoint.config
        self.temperature = stored_temperature(checkpoint.config, repr(checkpoint.name))
        """What logits are divided by to become probabilities; None where the folder states none."""
        self.tokenizer = checkpoint.tokenizer
        self.model = checkpoint.model.to(device)
        self.device = device
        self.records = records
        """Whether attention passes through our own function; else transformers returns it."""
        self.capabilities = Capabilities(pads=False, reads=None)
        """What `load` has proved about the network; nothing until then."""
        affordable = math.isqrt(MAX_ATTENTION_BYTES // (4 * self.n_layers * self.n_heads))
        self.encoder = Encoder(
            checkpoint.tokenizer,
            max_tokens=min(max_input_length(checkpoint.model, checkpoint.tokenizer), affordable),
            inputs=frozenset(inspect.signature(self.model.forward).parameters),
            n_segments=int(getattr(self.config, "type_vocab_size", 2) or 1),
            **_cutting(checkpoint),
        )
        install_hooks(self.model)
        self._settings = module_settings(self.model)

    @classmethod
    def load(
        cls,
        source: str | os.PathLike[str],
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device | None = None,
    ) -> Self:
        """Load a checkpoint folder or a Hub id.

        Args:
            source: The folder, or the id.
            dtype: What to compute in; weights stored as float16 are widened.
            device: Where to compute; a CUDA GPU if there is one, else the CPU.

        Raises:
            CheckpointError: if it can't be opened; one sentence says why and what to do.
        """
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        for attention, records in ((ATTENTION, True), ("eager", False)):
            opened = open_checkpoint(source, attention=attention, dtype=dtype)
            try:
                classifier = cls(opened, records=records, device=place)
                classifier.capabilities = classifier._prove()
            except ProbeError as error:
                reason = str(error)
            except FORWARD_ERRORS as error:
                reason = f"can't be read by CLSight (its own code raised {type(error).__name__})"
            else:
                return classifier
        raise CheckpointError(
            f"{opened.name!r} is {with_article(type(opened.model).__name__)}, which {reason}; "
            f"use a {NAMES_OR} model."
        )

    def _prove(self) -> Capabilities:
        """What is true of the network on a short, a long and a padded text."""
        probe = Probe(
            self.model,
            lambda model, rows, recorder: self._pass(model, self.pad(rows), recorder),
            self.n_layers,
            self.n_heads,
        )
        short, long = self.encoder.probe(), self.encoder.probe(probe_length(self.config))
        return probe.capabilities(short.inputs, long.inputs)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, by index."""
        names = self.config.id2label or {}
        return tuple(str(names.get(index, f"LABEL_{index}")) for index in range(self.n_classes))

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.config.num_labels)

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return int(self.config.num_hidden_layers)

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer."""
        return int(self.config.num_attention_heads)

    @property
    def architecture(self) -> str:
        """The name of the model's class."""
        return type(self.model).__name__

    @property
    def regression(self) -> bool:
        """Whether the one logit is a score, not a class."""
        return is_regression(self.config)

    @property
    def multi_label(self) -> bool:
        """Whether every class is decided on its own."""
        return bool(self.config.problem_type == MULTI_LABEL)

    def encode(self, text: str, pair: str | None = None) -> Encoding:
        """Encode a text or a pair of texts.

        Raises:
            TextError: if no token of the text reaches the model.
        """
        return self.encoder.encode(text, pair)

    def read(self, text: str, pair: str | None = None) -> Reading:
        """Classify a text, or a pair of texts, and record where every head looks.

        Raises:
            TextError: if no token of the text reaches the model.
        """
        return self.read_many([self.encode(text, pair)])[0]

    def read_many(self, encodings: Sequence[Encoding]) -> list[Reading]:
        """Read encodings in one pass, padded to the longest; a reading has its own tokens only."""
        recorder = Recorder()
        with torch.inference_mode():
            logits = self.run(self.pad([encoding.inputs for encoding in encodings]), recorder)
            if module_settings(self.model) != self._settings:
                raise CheckpointError(
                    f"{self.name!r} is {with_article(self.architecture)}, which changed its own "
                    "settings while reading, so it would read other texts differently; choose "
                    "another checkpoint."
                )
            return [
                Reading(
                    encoding,
                    self._prediction(logits[row]),
                    self._attention(recorder, row, encoding.n_tokens),
                    self.name,
                    self.fingerprint,
                    self._pooling(encoding.n_tokens),
                )
                for row, encoding in enumerate(encodings)
            ]

    def forward(self, encoding: Encoding, recorder: Recorder | None = None) -> Tensor:
        """Run the model on one encoding, recorded if a recorder is given.  (C,)"""
        return self.run(self.pad([encoding.inputs]), recorder)[0]

    def logits(self, rows: Sequence[Inputs]) -> FloatArray:
        """Run the model on the inputs of several texts, without recording.  (B, C)"""
        lengths = {len(row["input_ids"]) for row in rows}
        one_batch = self.capabilities.pads or len(lengths) == 1
        batches = [rows] if one_batch else [[row] for row in rows]
        with torch.inference_mode():
            outputs = [self.run(self.pad(batch)) for batch in batches]
            logits: NDArray[np.floating] = torch.cat(outputs).cpu().numpy()
        return logits

    def probabilities(self, logits: FloatArray) -> FloatArray:
        """Probabilities of logits, in double precision.  (..., C) -> (..., C)"""
        return probabilities(logits, multi_label=self.multi_label, temperature=self.temperature)

    def outcomes(self, logits: FloatArray) -> FloatArray:
        """Probabilities of logits, or for a regression the score itself.  (..., C) -> (..., C)"""
        return logits.astype(np.float64) if self.regression else self.probabilities(logits)

    def run(self, inputs: Mapping[str, Tensor], recorder: Recorder | None = None) -> Tensor:
        """The logits for the model's inputs, recorded if a recorder is given.  (B, C)

        Raises:
            CheckpointError: if the architecture's own code fails.
        """
        try:
            return self._pass(self.model, inputs, recorder)
        except FORWARD_ERRORS as error:
            raise CheckpointError(
                f"{self.name!r} is {with_article(self.architecture)}, whose own code failed on "
                f"this text ({type(error).__name__}); choose another text or checkpoint."
            ) from error

    def _pass(
        self, model: PreTrainedModel, inputs: Mapping[str, Tensor], recorder: Recorder | None
    ) -> Tensor:
        if recorder is None:
            logits: Tensor = model(**inputs).logits
            return logits
        by_transformers = recorder.computes_weights and not self.records
        with recorder:
            output = model(**inputs, **({"output_attentions": True} if by_transformers else {}))
        if by_transformers:
            recorder.weights.extend(output.attentions)
        recorded_logits: Tensor = output.logits
        return recorded_logits

    def pad(self, rows: Sequence[Inputs]) -> dict[str, Tensor]:
        """The model's inputs; what is padded has no attention.  Each (B, T)"""
        longest = max(len(row["input_ids"]) for row in rows)
        batch: dict[str, Tensor] = {}
        for name in rows[0]:
            fill = (self.tokenizer.pad_token_id or 0) if name == "input_ids" else 0
            padded = [
                np.pad(row[name], (0, longest - len(row[name])), constant_values=fill)
                for row in rows
            ]
            batch[name] = torch.tensor(np.stack(padded), device=self.device)
        return batch

    def _attention(self, recorder: Recorder, row: int, n_tokens: int) -> Attention:
        """The weights of one row of a batch, without its padding."""
        layers = [weights[row, :, :n_tokens, :n_tokens] for weights in recorder.weights]
        try:
            return Attention(torch.stack(layers).cpu().numpy())
        except ValueError as error:
            raise CheckpointError(
                f"{self.name!r} is {with_article(self.architecture)}, whose attention for this "
                f"text does not consist of one map per head ({error}); choose another text or "
                "checkpoint."
            ) from error

    def _pooling(self, n_tokens: int) -> FloatArray | None:
        """The shares of the last states that the class is read from.  (T,)"""
        row = {"first": 0, "last": n_tokens - 1}.get(self.capabilities.reads or "")
        return None if row is None else np.eye(n_tokens, dtype=np.float32)[row]

    def _prediction(self, logits: Tensor) -> Prediction:
        values: NDArray[np.floating] = logits.cpu().numpy()
        if self.regression:
            return Prediction(self.labels, values, values[:0], regression=True)
        if self.temperature is not None:
            calibrated = self.probabilities(values).astype(values.dtype)
            return Prediction(self.labels, values, calibrated, self.multi_label)
        probabilities = logits.sigmoid() if self.multi_label else logits.softmax(-1)
        return Prediction(self.labels, values, probabilities.cpu().numpy(), self.multi_label)


class _Cutting(TypedDict):
    truncation: Truncation
    stride: int


def _cutting(checkpoint: Checkpoint) -> _Cutting:
    """How training cut the texts that were too long."""
    try:
        return {
            "truncation": stored_truncation(checkpoint.config),
            "stride": stored_stride(checkpoint.config),
        }
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error


def default_checkpoint() -> Path:
    """The checkpoint that the app opens with, which ships with the code."""
    return ASSETS / "ag-news-minilm"
