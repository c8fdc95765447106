"""Writes a checkpoint with fewer heads, and proves that plain transformers opens it.

Source: viz/mechanism/README.md 4.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor
from transformers import PreTrainedModel

from finetune.checkpoint.cut_heads import ABSENT_KEY, CUT_HEADS_KEY, absent_tensors
from finetune.checkpoint.folder import (
    ADAPTER,
    CONFIG,
    MODULES,
    TOKENIZER_FILES,
    Folder,
    find_folder,
    with_settings,
)
from finetune.checkpoint.loading import build_new_classifier, open_plainly
from finetune.checkpoint.quiet_libraries import quiet_transformers
from finetune.checkpoint.weights import find_weights
from finetune.errors import ModelError, number_of, with_article
from viz.attention.heads import Heads, checked_heads, head_list
from viz.errors import CheckpointError, MethodError, SelectionError, TextError, as_sentence
from viz.mechanism.pruning.absence import (
    cut_layers,
    tiny_ranges,
    unused_tensors,
    whole_layers,
)
from viz.mechanism.pruning.card import card
from viz.mechanism.pruning.narrowing import can_narrow, key_groups, narrow, remaining_units
from viz.model.classifier import FORWARD_ERRORS, Classifier
from viz.model.head_gates import check_gated
from viz.model.twins import share_weights
from viz.types import Encoding

TOLERANCE = 1e-4
"""How far a logit of the new folder may be from that with heads off, if none is larger than 1;
relative to the largest logit where it is."""
PROOF_TEXTS = (
    "The market was not good: oil prices rise as stocks fall.",
    "Peace talks fail, and the minister of space wins a very bad game!",
    "ok",
    "A film that begins as a comedy, turns into a drama about two teams on the moon, and ends "
    "before anybody in it has found out why 12 of 72 probes were lost in 1999?",
)
"""Read by both, beside those that are given."""
STORED = {
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
"""How numbers are stored, by what the headers of files call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunedCheckpoint:
    """A folder that was written, and what it is worth."""

    folder: Path
    heads: Heads
    """The heads that are gone, as the checkpoint before counted them."""
    source: str
    """The name of the checkpoint that they were cut of."""
    fingerprint: str
    """Its SHA-256."""
    bytes_before: int
    """Of the files of weights."""
    bytes_after: int
    gap: float
    """The largest difference of a logit between the folder, opened by transformers alone, and the
    checkpoint with these heads off."""
    n_texts: int
    """Texts that were compared."""

    @property
    def sentence(self) -> str:
        """What was written, in one sentence."""
        saved = 1 - self.bytes_after / self.bytes_before
        return (
            f"Cut {len(self.heads)} heads of {self.source}: {self.bytes_before / 1e6:,.1f} MB "
            f"became {self.bytes_after / 1e6:,.1f} MB ({saved:.1%} less); opened by transformers "
            f"alone, logits of {self.n_texts} texts differ from those without these heads by "
            f"{self.gap:.1e} at most."
        )


def prune(
    source: Classifier | str | os.PathLike[str],
    heads: Iterable[tuple[int, int]],
    output: str | os.PathLike[str],
    *,
    texts: Sequence[str | tuple[str, str | None]] = (),
) -> PrunedCheckpoint:
    """Write a checkpoint without some heads, smaller on disk.

    Plain transformers opens the folder, with no code of ours, and its logits are those of
    `classifier.without(heads)`; that is proved before it stands there.

    Args:
        source: A classifier with all of its heads, a folder, or the id of a model on the Hub.
        heads: Each (layer, head), counted from 0; those of a layer that was cut before don't count.
        output: A folder that doesn't exist yet, or is empty.
        texts: What the proof reads beside its own texts; a pair is a text and its second text.
            Those that can't be read, or have no finite logits, are passed over.

    Raises:
        CheckpointError: if the source can't be opened, or isn't a plain classifier.
        MethodError: if nothing would get smaller in this family, or the proof fails; nothing is
            left of the folder then.
        SelectionError: for a head that doesn't exist, a folder that is in use, or texts none of
            which can be read.
    """
    classifier = source if isinstance(source, Classifier) else Classifier.load(source)
    if classifier.off:
        raise SelectionError(
            "This classifier has heads off already; give one with all of its heads, and name those "
            "that are to be cut."
        )
    check_gated(classifier)
    folder = _plain_folder(classifier, source)
    cut = checked_heads(heads, classifier.n_layers, classifier.n_heads)
    if not cut:
        raise SelectionError("No head was named; name at least one to cut, such as 3.7.")
    target = _free_folder(Path(output))
    gone = cut_layers(classifier)
    if all(layer in gone for layer, _ in cut):
        layers = sorted({layer for layer, _ in cut})
        raise MethodError(
            f"All heads of layer {', '.join(map(str, layers))} are gone from {classifier.name!r} "
            "already; name another layer."
        )
    cut = tuple(head for head in cut if head[0] not in gone)
    silenced = classifier.without(cut)
    encodings = _encodings(silenced, texts)
    weights = find_weights(folder)
    before = sum(file.stat().st_size for file in weights.files)
    dtype = _stored_dtype([header.dtype for header in weights.headers.values()])
    about = {
        "heads": head_list(cut, classifier.n_heads),
        "layers_before": classifier.n_layers,
        "heads_before": classifier.n_heads,
        "of": classifier.name,
        "fingerprint": classifier.fingerprint,
    }
    for candidate in _candidates(classifier, silenced, encodings, folder.settings):
        with _stage(target) as stage:
            _write(candidate, stage, folder, about, dtype)
            gap = _largest_gap(silenced, stage, encodings)
            after = sum(file.stat().st_size for file in stage.glob("*.safetensors"))
            if gap is None or after >= before:
                continue
            pruned = PrunedCheckpoint(
                folder=target,
                heads=cut,
                source=classifier.name,
                fingerprint=classifier.fingerprint,
                bytes_before=before,
                bytes_after=after,
                gap=gap,
                n_texts=len(encodings),
            )
            (stage / "README.md").write_text(card(folder, about, pruned.sentence), "utf-8")
            _let_others_read(stage)
            if target.is_dir():
                target.rmdir()  # empty
            stage.rename(target)
            return pruned
    raise MethodError(_refusal(classifier, silenced))


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """One way in which heads could be cut out."""

    model: PreTrainedModel
    """Of the shape that is to be opened."""
    state: Mapping[str, Tensor]
    """Its tensors that are written."""
    settings: Mapping[str, Any]
    """Entries of config.json that change."""
    absent: tuple[str, ...] = ()
    """Tensors that are left out."""


def _candidates(
    classifier: Classifier,
    silenced: Classifier,
    encodings: Sequence[Encoding],
    settings: Mapping[str, Any],
) -> "list[_Candidate]":
    """The ways to try, in order."""
    narrowing = narrow(silenced)
    if narrowing is not None:
        with torch.device("meta"):
            smaller = build_new_classifier(narrowing.config)
        return [
            _Candidate(smaller, state, narrowing.settings)
            for state in narrowing.layouts(silenced.model.state_dict())
        ]
    layers = whole_layers(silenced)
    if not layers:
        return []
    unused = unused_tensors(classifier, layers, encodings)
    # What was cut before is not written again.
    absent = absent_tensors(classifier.config).union(unused)
    state = {
        name: tensor for name, tensor in silenced.model.state_dict().items() if name not in absent
    }
    ranges = tiny_ranges(classifier.config, settings)
    # A twin, for saving changes the settings of a model.
    model = share_weights(silenced.model)
    return [_Candidate(model, state, ranges, tuple(absent))] if unused else []


@contextmanager
def _stage(target: Path) -> Iterator[Path]:
    """A folder beside the one that is to be written, gone behind it.

    Raises:
        SelectionError: where nothing can be written there.
    """
    stage: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        yield stage
    except OSError as error:
        reason = error.strerror or "the system refuses"
        raise SelectionError(
            f"{str(target)!r} can't be written: {reason}; name another folder."
        ) from error
    finally:
        if stage is not None:
            shutil.rmtree(stage, ignore_errors=True)


def _write(
    candidate: _Candidate,
    stage: Path,
    folder: Folder,
    about: Mapping[str, Any],
    dtype: torch.dtype,
) -> None:
    """Weights in the format that they had, config.json with what changes, the same tokenizer."""
    state = {
        name: tensor.to("cpu", dtype) if tensor.is_floating_point() else tensor.cpu()
        for name, tensor in candidate.state.items()
    }
    with quiet_transformers():
        candidate.model.save_pretrained(stage, state_dict=state)
    entry = {**about, ABSENT_KEY: sorted(candidate.absent)} if candidate.absent else dict(about)
    settings = folder.settings | dict(candidate.settings) | {CUT_HEADS_KEY: entry}
    (stage / CONFIG).write_text(json.dumps(settings, ensure_ascii=False, indent=2) + "\n", "utf-8")
    for name in TOKENIZER_FILES:
        file = folder.file(name)
        if file is not None:
            shutil.copyfile(file, stage / name)


def _let_others_read(stage: Path) -> None:
    """Give a folder and all of its files the rights that new files have here."""
    mode = (stage / CONFIG).stat().st_mode & 0o777
    for file in stage.iterdir():
        file.chmod(mode)
    stage.chmod(mode | (mode & 0o444) >> 2)


def _largest_gap(silenced: Classifier, stage: Path, encodings: Sequence[Encoding]) -> float | None:
    """How far logits of the folder are from those with heads off; None where it is too far."""
    try:
        model = open_plainly(stage).to(silenced.device)
    except ModelError:
        return None
    gap = 0.0
    for encoding in encodings:
        with torch.inference_mode():
            expected = silenced.forward(encoding).float()
            try:
                logits = model(**silenced.pad([encoding.inputs])).logits[0].float()
            except FORWARD_ERRORS:
                return None
        difference = float((expected - logits).abs().max())
        if not difference <= TOLERANCE * max(1.0, float(expected.abs().max())):
            return None
        gap = max(gap, difference)
    return gap


def _encodings(
    silenced: Classifier, texts: Sequence[str | tuple[str, str | None]]
) -> list[Encoding]:
    """What the proof reads: texts of our own, and those that are given.

    Raises:
        SelectionError: where some are given, and none of them can be read.
    """
    given = list(_readable(silenced, texts))
    if texts and not given:
        raise SelectionError(
            f"Of {number_of(len(texts), 'text')} to prove the folder on none can be read; give "
            "others, or none."
        )
    probes = silenced.encoder.probe(), silenced.encoder.probe(32)
    return [*probes, *_readable(silenced, PROOF_TEXTS), *given]


def _readable(
    silenced: Classifier, texts: Iterable[str | tuple[str, str | None]]
) -> Iterator[Encoding]:
    """The texts that have logits to compare."""
    for text in texts:
        row = (text, None) if isinstance(text, str) else text
        try:
            encoding = silenced.encode(*row)
        except TextError:
            continue
        if np.isfinite(silenced.logits([encoding.inputs])).all():
            yield encoding


def _plain_folder(classifier: Classifier, source: Classifier | str | os.PathLike[str]) -> Folder:
    """Where the files of a classifier lie that transformers opens as they are."""
    place = classifier.config.name_or_path if isinstance(source, Classifier) else source
    try:
        folder = find_folder(place)
        if folder.file(ADAPTER) is not None or folder.file(MODULES) is not None:
            raise CheckpointError(
                f"{classifier.name!r} is more than one model (an adapter with its base, or modules "
                "of sentence-transformers), which transformers doesn't open alone; merge and save "
                "it as one, then cut heads."
            )
        return with_settings(folder)
    except ModelError as error:
        raise CheckpointError(as_sentence(error)) from error


def _free_folder(target: Path) -> Path:
    """A folder that can be written, with nothing in it."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise SelectionError(f"{str(target)!r} is a file; --output names a new folder.")
    if target.is_dir() and any(target.iterdir()):
        raise SelectionError(
            f"{str(target)!r} holds files already; name a new folder, so that nothing is replaced."
        )
    return target


def _stored_dtype(names: Sequence[str]) -> torch.dtype:
    """The most exact of the formats in which numbers are stored."""
    order = list(STORED)
    floats = [name for name in names if name in STORED]
    return STORED[max(floats, key=order.index)] if floats else torch.float32


def _refusal(classifier: Classifier, silenced: Classifier) -> str:
    """Why nothing gets smaller, and what would."""
    kind, version = with_article(classifier.architecture), transformers.__version__
    if can_narrow(classifier):
        groups = key_groups(classifier)
        unit = "head" if groups == classifier.n_heads else "group of heads that share their keys"
        whole = [
            layer for layer, units in enumerate(remaining_units(silenced)) if len(units) == groups
        ]
        named = f" Layers {', '.join(map(str, whole))} lose none." if whole else ""
        return (
            f"In {kind} every layer has as many heads, so its folder gets smaller where each "
            f"layer loses a {unit} at least, to a number of heads that transformers {version} "
            f"allows.{named} To look at the model without these heads, turn them off."
        )
    if any(projection.n_uses > 1 for projection in classifier.output_projections):
        return (
            f"The layers of {kind} share their weights, so no head of one layer can be cut out; "
            "turn heads off instead."
        )
    if whole_layers(silenced):
        return (
            f"transformers {version} can't open {kind} whose files lack the projections of a "
            "layer without heads, or not with the same logits, so nothing would get smaller; turn "
            "heads off instead."
        )
    return (
        f"transformers {version} makes the projections of {kind} as wide as its states, whatever "
        "config.json says of heads, so only a layer that loses all of its heads gets smaller: name "
        "whole layers, such as 3. To look at the model without these heads, turn them off."
    )
