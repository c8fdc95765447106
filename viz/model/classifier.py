"""A fine-tuned classifier: load a checkpoint, encode a text, read it in one recorded pass."""

import copy
import inspect
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import PreTrainedModel

from finetune.checkpoint import onednn
from finetune.checkpoint.arrays import FloatArray
from finetune.checkpoint.class_names import distinct_names
from finetune.checkpoint.configuration import text_config
from finetune.checkpoint.problem_types import MULTI_LABEL
from finetune.checkpoint.temperature import probabilities, stored_temperature
from finetune.checkpoint.truncation import Truncation, stored_max_length, stored_truncation
from finetune.checkpoint.windows import WindowSettings, stored_windows
from finetune.errors import ModelError, with_article
from viz.attention.heads import Heads, checked_heads, parse_heads
from viz.attention.long_attention import summarized
from viz.errors import (
    CheckpointError,
    MethodError,
    NonFiniteLogitsError,
    TextError,
    as_sentence,
)
from viz.jobs.progress import ShareProgress, no_share_progress
from viz.model.attention_function import ATTENTION, EAGER_ATTENTION
from viz.model.checkpoint import Checkpoint, is_regression, max_input_length, open_checkpoint
from viz.model.checkpointing import checkpointed_twin
from viz.model.encoding import Encoder
from viz.model.head_gates import check_gated
from viz.model.hooks import find_layers, install_hooks, n_layers
from viz.model.installation import ASSETS
from viz.model.map_recorder import MapRecorder
from viz.model.output_projections import OutputProjection
from viz.model.padding import PaddingSide, pad_rows, token_places
from viz.model.pooling import slopes_of_last_states
from viz.model.probe import (
    Capabilities,
    Probe,
    ProbeError,
    probe_length,
)
from viz.model.recording import PassLayout, Recorder
from viz.model.silenced_twins import SilencedTwins
from viz.model.streamed_maps import CallRecorder, same_maps
from viz.model.twins import module_settings, share_weights
from viz.types import Attention, Encoding, Inputs, MissingAttention, Prediction, Reading

FORWARD_ERRORS = (
    *(ArithmeticError, AssertionError, AttributeError, ImportError, LookupError, NameError),
    *(RuntimeError, TypeError, ValueError),
)
"""What a forward pass of an unknown architecture can raise."""

MAX_ATTENTION_BYTES = 2**30
"""Bytes that the attention weights of one reading may take: 1,365 tokens at 12 x 12 heads.  Of a
longer text a summary is kept (`LongAttention`)."""
LONG_READING_PASSES = 1.5
"""About how many plain passes a long reading takes."""


class Classifier:
    """A text classifier whose every forward pass can be recorded; safe to share between threads."""

    def __init__(self, checkpoint: Checkpoint, *, device: torch.device) -> None:
        self.name = checkpoint.name
        self.fingerprint = checkpoint.fingerprint
        self.has_head = checkpoint.has_head
        """Whether it classifies; a base model predicts nothing, and its readings have no class."""
        self.config = checkpoint.config
        self.temperature = stored_temperature(checkpoint.config, repr(checkpoint.name))
        """What logits are divided by to become probabilities; None where the folder states none."""
        self.tokenizer = checkpoint.tokenizer
        self.model = checkpoint.model.to(device)
        self.device = device
        self._by_onednn = onednn.gains(self.model)
        self.capabilities = Capabilities()
        """What `load` has proved about the network; nothing until then."""
        self._n_layers = n_layers(checkpoint.model)
        self._n_maps = max(1, self._n_layers * _configured_heads(checkpoint.model))
        cutting = _cutting(checkpoint)
        self._max_input_length = max_input_length(checkpoint.model, checkpoint.tokenizer)
        if cutting["window_settings"] is not None and cutting["window_settings"].size:
            # It was trained on no more at once, whatever the model could read.
            self._max_input_length = min(self._max_input_length, cutting["window_settings"].size)
        self.encoder = Encoder(
            checkpoint.tokenizer,
            max_tokens=min(self._max_input_length, self._max_kept_tokens),
            inputs=frozenset(inspect.signature(self.model.forward).parameters),
            n_segments=_n_segments(checkpoint.model),
            **cutting,
        )
        self._layers = find_layers(
            self.model,
            lambda model: self._pass(model, self.pad([self.encoder.probe().inputs]), None),
        )
        install_hooks(self.model, self.layers)
        self._settings = module_settings(self.model)
        self.off: Heads = ()
        """The heads that are off, each (layer, head), in order; see `without`."""
        self._whole: Classifier | None = None
        self._silenced = SilencedTwins()

    @classmethod
    def load(
        cls,
        source: str | os.PathLike[str],
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device | None = None,
        base: bool = False,
    ) -> Self:
        """Load a checkpoint folder or a Hub id.

        Args:
            source: The folder, or the id.
            dtype: What to compute in; weights stored as float16 are widened.  Of what is less exact
                than float32, rounding can hide whether a recorded pass is the plain one.
            device: Where to compute; a CUDA GPU if there is one, else the CPU.
            base: Whether it is a base model without a classification head: its readings say where
                it looks, and predict nothing.

        Raises:
            CheckpointError: if it can't be opened; one sentence says why and what to do.
        """
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        without_attention: Self | None = None
        reason = ""
        for attention in (ATTENTION, EAGER_ATTENTION, "eager"):
            opened = open_checkpoint(source, attention=attention, dtype=dtype, base=base)
            try:
                classifier = cls(opened, device=place)
                classifier.capabilities = classifier._prove()
            except ProbeError as error:
                reason = reason or str(error)
            except FORWARD_ERRORS as error:
                own = f"can't be read by CLSight (its own code raised {type(error).__name__})"
                reason = reason or own
            else:
                if classifier.capabilities.attention is not None:
                    classifier._allow_long_texts()
                    return classifier
                if without_attention is not None or attention != ATTENTION:
                    break
                without_attention = classifier
        if without_attention is not None:
            return without_attention
        if dtype not in (torch.float32, torch.float64):
            raise CheckpointError(
                f"{opened.name!r} can't be proved to be read correctly in {dtype}, which is less "
                "exact than float32; leave dtype out."
            )
        raise CheckpointError(
            f"{opened.name!r} is {with_article(type(opened.model).__name__)}, which {reason}; "
            "choose another checkpoint."
        )

    def _prove(self) -> Capabilities:
        """What is true of the network on a short, a long and a padded text."""
        probe = Probe(
            self.model,
            lambda model, rows, recorder, side: self._pass(model, self.pad(rows, side), recorder),
            self.n_layers,
            self._layers,
        )
        short, long = self.encoder.probe(), self.encoder.probe(probe_length(self.config))
        return probe.capabilities(short.inputs, long.inputs)

    @property
    def _max_kept_tokens(self) -> int:
        """The longest text whose weights are all kept."""
        return math.isqrt(MAX_ATTENTION_BYTES // (4 * self._n_maps))

    def is_long(self, n_tokens: int) -> bool:
        """Whether the weights of a text are too many to keep."""
        return n_tokens > self._max_kept_tokens

    def _allow_long_texts(self) -> None:
        """Read texts whose weights can't be kept too, where they can be computed row by row.

        Proved on the longer text of the probe: each row as it is recorded.
        """
        if self._max_input_length <= self._max_kept_tokens:
            return
        if self.capabilities.attention != "interface":
            return
        encoding = self.encoder.probe(probe_length(self.config))
        inputs, size = self.pad([encoding.inputs]), encoding.n_tokens
        whole = MapRecorder([slice(0, size)], self.n_layers)
        calls = CallRecorder(self.n_layers)
        with torch.inference_mode():
            for recorder in (whole, calls):
                self._pass(self.model, inputs, recorder)
        if same_maps(whole.attention(0), calls):
            self.encoder = replace(self.encoder, max_tokens=self._max_input_length)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, by index, no two the same; none of a base model."""
        if not self.has_head:
            return ()
        names = self.config.id2label or {}
        return distinct_names(
            [str(names.get(index, f"LABEL_{index}")) for index in range(self.n_classes)]
        )

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.config.num_labels)

    @property
    def n_layers(self) -> int:
        """Number of layers; in front of a decoder, those of the encoder."""
        return self._n_layers

    @property
    def layers(self) -> list[nn.Module]:
        """The layers, in order; none where they are in no list."""
        return (
            [] if self._layers is None else list(self.model.get_submodule(self._layers).children())
        )

    @property
    def layer_path(self) -> str | None:
        """The name of the list of layers in the model; None where they are in none."""
        return self._layers

    @property
    def n_heads(self) -> int:
        """Number of heads in each layer; 0 where there is no map of each token by each token."""
        return self.capabilities.n_heads

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

    def without(self, heads: Iterable[tuple[int, int]]) -> "Classifier":
        """The same classifier with some heads off, beside those that are off already.

        What they look at is recorded as ever, but in each of its passes, whatever these are for,
        they put out nothing.  All weights are shared but the output projections of their layers.

        Args:
            heads: Each (layer, head), counted from 0; none for the classifier itself.

        Raises:
            SelectionError: for a head that doesn't exist.
            MethodError: where heads of this architecture can't be turned off.
        """
        wanted = [*self.off, *heads]
        if wanted:
            check_gated(self)
        off = checked_heads(wanted, self.n_layers, self.n_heads)
        whole = self._whole or self
        return self if off == self.off else self._silenced.classifier(whole, off)

    def with_windows(self, settings: WindowSettings | None) -> "Classifier":
        """The same classifier, which reads rows of files otherwise if they are too long.

        All weights are shared.  What the checkpoint says of windows no longer counts.

        Args:
            settings: How it reads them in overlapping windows; None to cut them.
        """
        other, encoder = copy.copy(self), self.encoder
        size = None if settings is None else settings.size
        max_tokens = min(size or encoder.max_tokens, encoder.max_tokens)
        other.encoder = replace(encoder, window_settings=settings, max_tokens=max_tokens)
        other._silenced = SilencedTwins()
        if self._whole is not None:
            other._whole = self._whole.with_windows(settings)
        return other

    def require_all_heads(self, what: str) -> None:
        """Refuse to measure something of a checkpoint while heads are off.

        Args:
            what: Begins the sentence: `An audit`.

        Raises:
            MethodError: where some are.
        """
        if self.off:
            raise MethodError(f"{what} is of a checkpoint with all of its heads; turn them on.")

    def heads_named(self, text: str) -> Heads:
        """The heads of a list such as `3.7,4`: head 7 of layer 3, and all of layer 4.

        Raises:
            SelectionError: for what is not a head of this model.
            MethodError: where it has none to turn off.
        """
        if text.strip():
            check_gated(self)
        return parse_heads(text, self.n_layers, self.n_heads)

    @property
    def output_projections(self) -> tuple[OutputProjection, ...]:
        """Where each layer takes up its heads, from below.

        Raises:
            MethodError: where heads of this architecture can't be told apart there.
        """
        return self._silenced.projections(self._whole or self)

    def with_model(self, model: PreTrainedModel, off: Heads = ()) -> "Classifier":
        """This classifier around another model of the same architecture.

        Args:
            model: With the hooks of a classifier's model, as copies of one have.
            off: The heads that put out nothing in it; with all of them it is one of its own.
        """
        other = copy.copy(self)
        other.model, other.off = model, off
        other._settings = module_settings(model)
        if off:
            other._whole = self._whole or self
        else:
            other._whole, other._silenced = None, SilencedTwins()
        return other

    def encode(self, text: str, pair: str | None = None) -> Encoding:
        """Encode a text or a pair of texts.

        Raises:
            TextError: if no token of the text reaches the model.
        """
        return self.encoder.encode(text, pair)

    def read(
        self,
        text: str,
        pair: str | None = None,
        *,
        without: Iterable[tuple[int, int]] = (),
        progress: ShareProgress = no_share_progress,
    ) -> Reading:
        """Classify a text, or a pair of texts, and record where every head looks.

        Of a text whose weights are too many to keep (`is_long`), `Reading.attention` is a
        `LongAttention`: a summary, and any part of the weights when it is asked for.

        Args:
            text: The text.
            pair: The second text of a pair.
            without: Heads that are off, each (layer, head); see `Classifier.without`.
            progress: Told what was done since the last call, in plain passes, while a long text is
                read: about `LONG_READING_PASSES` in all.

        Raises:
            TextError: if no token of the text reaches the model.
            SelectionError: for a head that doesn't exist.
            MethodError: where heads of this architecture can't be turned off.
        """
        classifier = self.without(without)
        return classifier.read_encoding(classifier.encode(text, pair), progress)

    def read_encoding(
        self, encoding: Encoding, progress: ShareProgress = no_share_progress
    ) -> Reading:
        """Read what `encode` returned; arguments and errors as for `read`."""
        if not self.capabilities.attention or not self.is_long(encoding.n_tokens):
            return self.read_many([encoding])[0]
        pooling = self.pooling(encoding)
        recorder = CallRecorder(self.n_layers, progress)
        with torch.inference_mode():
            logits = self.run(self.pad([encoding.inputs]), recorder)[0]
        self._check_settings()
        try:
            attention = summarized(
                encoding,
                recorder.maps(sinks=self.capabilities.sinks),
                lambda share: progress(share * (LONG_READING_PASSES - 1)),
            )
        except ValueError as error:
            raise self._without_maps(error) from error
        return Reading(
            encoding,
            self.prediction(logits),
            attention,
            self.name,
            self.fingerprint,
            pooling,
            self.off,
        )

    def read_many(self, encodings: Sequence[Encoding]) -> list[Reading]:
        """Read encodings in one pass, padded to the longest; a reading has its own tokens only."""
        longest = max(encoding.n_tokens for encoding in encodings)
        if self.is_long(longest) or (len(encodings) > 1 and self.capabilities.pads is None):
            return [self.read_encoding(encoding) for encoding in encodings]
        poolings = [self.pooling(each) for each in encodings]
        places = token_places(
            [encoding.n_tokens for encoding in encodings], self.capabilities.pads or "right"
        )
        recorder = MapRecorder(places, self.n_layers if self.capabilities.attention else 0)
        with torch.inference_mode():
            logits = self.run(self.pad([encoding.inputs for encoding in encodings]), recorder)
            self._check_settings()
            return [
                Reading(
                    encoding,
                    self.prediction(logits[row]),
                    self._attention(recorder, row),
                    self.name,
                    self.fingerprint,
                    pooling,
                    self.off,
                )
                for row, (encoding, pooling) in enumerate(zip(encodings, poolings, strict=True))
            ]

    def _check_settings(self) -> None:
        """Refuse a model that a pass has changed."""
        if module_settings(self.model) != self._settings:
            raise CheckpointError(
                f"{self.name!r} is {with_article(self.architecture)}, which changed its own "
                "settings while reading, so it would read other texts differently; choose "
                "another checkpoint."
            )

    def pooling(self, encoding: Encoding) -> FloatArray | None:
        """How much of each last state of a text the class is read from; None if unknown.  (T,)

        The same share of each where a mean is taken; where tokens are weighed, what each weighs is
        the length of the gradient of the logits in its last state, in one more pass.
        """
        shares = np.zeros(encoding.n_tokens)
        reads = self.capabilities.reads
        if reads == "last" and self.tokenizer.pad_token_id in encoding.inputs["input_ids"]:
            reads = "several"  # decoders read the last token that is not that of padding
        match reads:
            case None:
                return None
            case "first":
                shares[0] = 1
            case "last":
                shares[-1] = 1
            case "mean":
                shares[:] = 1 / encoding.n_tokens
            case "several":
                inputs = self.pad([encoding.inputs])
                slopes = slopes_of_last_states(lambda recorder: self.run(inputs, recorder))
                if slopes is None or len(slopes) != encoding.n_tokens:
                    return None
                sizes = slopes.norm(dim=-1)
                shares[:] = (sizes / sizes.sum()).double().cpu().numpy()
        return shares

    def forward(self, encoding: Encoding, recorder: Recorder | None = None) -> Tensor:
        """Run the model on one encoding, recorded if a recorder is given.  (C,)"""
        return self.run(self.pad([encoding.inputs]), recorder)[0]

    def logits(self, rows: Sequence[Inputs]) -> FloatArray:
        """Run the model on the inputs of several texts, without recording.  (B, C)"""
        lengths = {len(row["input_ids"]) for row in rows}
        singles = [[row] for row in rows]
        one_batch = self.capabilities.pads is not None or len(lengths) == 1
        with torch.inference_mode():
            try:
                outputs = [
                    self.run(self.pad(batch)) for batch in ([rows] if one_batch else singles)
                ]
            except CheckpointError:
                if not one_batch or len(rows) == 1:
                    raise
                # BART and T5 take texts with different numbers of </s> one by one only.
                outputs = [self.run(self.pad(single)) for single in singles]
            whole = torch.cat(outputs).cpu()
        if whole.dtype == torch.bfloat16:  # which numpy does not know
            whole = whole.float()
        logits: NDArray[np.floating] = whole.numpy()
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
            TextError: if there are more tokens than the model can read at once.
        """
        n_tokens = inputs["input_ids"].shape[-1]
        if n_tokens > self.encoder.max_tokens:
            raise TextError(
                f"This text has {n_tokens:,} tokens, and the model reads at most "
                f"{self.encoder.max_tokens:,} at once; read it as a document, in windows."
            )
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
        proved = self.capabilities
        if not proved.keeps_settings:
            model = share_weights(model)
        if recorder is None:
            with onednn.products(self._by_onednn):
                logits: Tensor = model(**inputs).logits
            return logits
        by_interface = proved.attention == "interface"
        n_rows, n_tokens = inputs["input_ids"].shape
        double = model.dtype == torch.float64
        long = by_interface and self.is_long(n_tokens)
        if long and torch.is_grad_enabled():
            model = checkpointed_twin(model)
        recorder.begin(PassLayout(n_rows, n_tokens, proved.time_axis, by_interface, double, long))
        with onednn.products(self._by_onednn), recorder:
            recorded_logits: Tensor = model(**inputs).logits
        return recorded_logits

    def pad(self, rows: Sequence[Inputs], side: PaddingSide | None = None) -> dict[str, Tensor]:
        """The model's inputs; what is padded has no attention.  Each (B, T)

        Args:
            rows: The inputs of each text.
            side: Where shorter texts are filled up; by default where it was proved to do nothing.
        """
        padded = pad_rows(
            rows, self.tokenizer.pad_token_id or 0, side or self.capabilities.pads or "right"
        )
        return {name: torch.tensor(ids, device=self.device) for name, ids in padded.items()}

    def _attention(self, recorder: MapRecorder, row: int) -> Attention | MissingAttention:
        """The weights of one row of a batch, without its padding."""
        if self.capabilities.attention is None:
            return MissingAttention(self.capabilities.no_attention)
        try:
            return recorder.attention(row)
        except ValueError as error:
            raise self._without_maps(error) from error

    def _without_maps(self, error: ValueError) -> CheckpointError:
        return CheckpointError(
            f"{self.name!r} is {with_article(self.architecture)}, whose attention for this text "
            f"does not consist of one map per head ({error}); choose another text or checkpoint."
        )

    def prediction(self, logits: Tensor) -> Prediction:
        """What logits say of a text.  (C,)

        Raises:
            NonFiniteLogitsError: where they are not finite.
        """
        values: NDArray[np.floating] = logits.cpu().numpy()
        if not self.has_head:
            return Prediction((), values[:0], values[:0])
        if not np.isfinite(values).all():
            raise NonFiniteLogitsError(
                f"{self.name!r} gives logits that are not finite (NaN or infinity) for this text; "
                "choose another text or checkpoint."
            )
        if self.regression:
            return Prediction(self.labels, values, values[:0], regression=True)
        if self.temperature is not None:
            calibrated = self.probabilities(values).astype(values.dtype)
            return Prediction(self.labels, values, calibrated, self.multi_label)
        probabilities = logits.sigmoid() if self.multi_label else logits.softmax(-1)
        return Prediction(self.labels, values, probabilities.cpu().numpy(), self.multi_label)


def _configured_heads(model: PreTrainedModel) -> int:
    """How many heads the model's configuration names; 0 where it names none."""
    return int(getattr(text_config(model.config), "num_attention_heads", 0) or 0)


def _n_segments(model: PreTrainedModel) -> int | None:
    """How many texts the model's configuration tells apart; None where it names no number."""
    named = getattr(text_config(model.config), "type_vocab_size", None)
    return None if named is None else max(1, int(named))


class _Cutting(TypedDict):
    truncation: Truncation
    window_settings: WindowSettings | None
    trained_length: int | None


def _cutting(checkpoint: Checkpoint) -> _Cutting:
    """How training cut the texts that were too long."""
    try:
        return {
            "truncation": stored_truncation(checkpoint.config),
            "window_settings": stored_windows(checkpoint.config),
            "trained_length": stored_max_length(checkpoint.config),
        }
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error


def default_checkpoint() -> Path:
    """The checkpoint that the app opens with, which ships with the code."""
    return ASSETS / "ag-news-minilm"
