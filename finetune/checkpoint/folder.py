"""What lies in a checkpoint folder, said by its files alone."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.checkpoint.files import MEGABYTE, checked_file, read_json
from finetune.checkpoint.hub import fetch
from finetune.checkpoint.run_files import CHECKPOINTS, PARTIAL_SUFFIX, SEEDS, SNAPSHOT_PREFIX
from finetune.checkpoint.source import locate, shown, unquoted
from finetune.errors import ModelError

CONFIG = "config.json"
ADAPTER = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
WEIGHTS = "model.safetensors"
MODULES = "modules.json"
"""The list of modules of a sentence-transformers model."""
SENTENCE_SETTINGS = "sentence_bert_config.json"
SENTENCE_PROMPTS = "config_sentence_transformers.json"
SETFIT = "config_setfit.json"
HEAD_PICKLE = "model_head.pkl"
"""The scikit-learn classifier of a SetFit model."""
INDEX = "model.safetensors.index.json"
SHARDS = "model-*-of-*.safetensors"
TOKENIZER = "tokenizer.json"
VOCABULARIES = (
    TOKENIZER, "vocab.txt", "vocab.json", "spiece.model", "spm.model", "tokenizer.model",
    "sentencepiece.model", "sentencepiece.bpe.model",
)  # fmt: skip
"""Files of which a tokenizer has at least one."""
TOKENIZER_FILES = (
    *VOCABULARIES, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "merges.txt", "bpe.codes",
)  # fmt: skip
DESCRIPTIONS = (CONFIG, ADAPTER, MODULES, SENTENCE_SETTINGS, SENTENCE_PROMPTS, SETFIT)
"""Files that say what a folder holds."""
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
TRAINING_STATE_PREFIXES = (
    "optimizer",
    "scheduler",
    "scaler",
    "rng_state",
    "training_args",
    "trainer_state",
)
"""How names of files begin that keep the state of a training, not weights."""
SNAPSHOT = re.compile(rf"{SNAPSHOT_PREFIX}(\d+)")
PARTIAL = re.compile(rf"\..+{re.escape(PARTIAL_SUFFIX)}")
MAX_ENTRIES = 10_000
"""Names of a folder that are looked at."""
TRAIN_HINT = "fine-tune one with clsight train"


@dataclass(frozen=True, slots=True)
class Folder:
    """A checkpoint folder whose config.json was read, and nothing else yet."""

    title: str
    """The name of the folder, or the id on the Hub."""
    path: Path
    repository: str | None
    """The id on the Hub that it was fetched by; None for a folder of this machine."""
    settings: dict[str, Any]
    """What config.json holds."""
    revision: str | None = None
    """The branch, tag or commit on the Hub; None for the newest."""

    @property
    def owner(self) -> str:
        """What messages call it."""
        return shown(self.title)

    def file(self, name: str) -> Path | None:
        """The file *name* in it, or None where it has none; a ModelError where it can't be read."""
        return checked_file(self.path, name, self.owner)


def open_folder(source: str | os.PathLike[str]) -> Folder:
    """Find the folder of a whole model and read its config.json.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.

    Raises:
        ModelError: There is nothing, or something else.
    """
    folder = find_folder(source)
    if folder.file(ADAPTER):
        raise ModelError(
            f"{folder.owner} is an adapter, not a whole model; take the base model that its"
            f" {ADAPTER} names"
        )
    return with_settings(folder)


def find_folder(source: str | os.PathLike[str], revision: str | None = None) -> Folder:
    """Find what a source names; of its files none is read yet.

    Args:
        source: A folder, or the id of a model on the Hugging Face Hub.
        revision: The branch, tag or commit on the Hub.

    Raises:
        ModelError: There is no such folder or model.
    """
    place = locate(source)
    if isinstance(place, Path):
        return Folder(place.resolve().name, place, None, {})
    path = fetch(place, (*DESCRIPTIONS, *TOKENIZER_FILES), revision)
    return Folder(place, path, place, {}, revision)


def with_settings(folder: Folder) -> Folder:
    """The same folder with its config.json read.

    Raises:
        ModelError: It has none, or it can't be read.
    """
    file = folder.file(CONFIG)
    if file is None:
        raise ModelError(_without_config(folder.path, folder.owner))
    return replace(folder, settings=read_json(file, CONFIG, folder.owner, 4 * MEGABYTE))


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder looks like a saved classifier or adapter, judged by its files alone."""
    try:
        return any(
            (folder / about).is_file() and any((folder / name).is_file() for name in names)
            for about, names in ((CONFIG, (WEIGHTS, INDEX)), (ADAPTER, (ADAPTER_WEIGHTS,)))
        )
    except OSError:
        return False


def list_names(folder: Path) -> list[str]:
    """The names in a folder, ascending; none where it can't be looked into."""
    try:
        return sorted(name for name, _ in zip(_names(folder), range(MAX_ENTRIES), strict=False))
    except OSError:
        return []


def _names(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as found:
        yield from (entry.name for entry in found)


def _without_config(folder: Path, owner: str) -> str:
    names = list_names(folder)
    return f"{owner} is not a checkpoint: {_other_content(folder, names)}"


def _other_content(folder: Path, names: list[str]) -> str:
    inside = checkpoints_in(folder)
    if inside and PARTIAL.fullmatch(folder.resolve().name):
        return (
            f"it is the working folder of a run that was stopped; choose its last snapshot,"
            f" {shown(inside[-1])}, or continue with clsight resume"
        )
    if inside:
        return f"config.json is missing; choose {shown(inside[-1])} inside it"
    if kept := unsupported_format(folder, names):
        return f"it holds {kept}, and config.json is missing"
    if any(name.startswith(TRAINING_STATE_PREFIXES) for name in names):
        return (
            "it holds the state of a training and no model; choose the folder that has config.json"
        )
    return f"config.json is missing; choose a folder that holds a saved classifier, or {TRAIN_HINT}"


def checkpoints_in(folder: Path) -> list[str]:
    """Checkpoints inside a folder, as paths in it, the newest snapshot of a training last."""
    found = [
        place
        for room in ("", CHECKPOINTS, *_seed_folders(folder))
        for name in list_names(folder / room)
        if is_checkpoint(folder / room / name) and (place := f"{room}/{name}".lstrip("/"))
    ]
    return sorted(found, key=_step)


def _seed_folders(folder: Path) -> list[str]:
    return [f"{SEEDS}/{name}/{CHECKPOINTS}" for name in list_names(folder / SEEDS)]


def _step(place: str) -> tuple[int, str]:
    numbered = SNAPSHOT.fullmatch(place.rpartition("/")[2])
    return (int(numbered[1]) if numbered else -1), place


def embedding_library(folder: Folder) -> str | None:
    """Which library saved a model that gives embeddings; None where none did."""
    names = set(list_names(folder.path))
    if names & {SETFIT, HEAD_PICKLE}:
        return "SetFit"
    if names & {MODULES, SENTENCE_PROMPTS}:
        return "sentence-transformers"
    return None


def unsupported_format(folder: Path, names: list[str]) -> str | None:
    """Which format that CLSight doesn't read the weights of a folder are in, and what to do."""
    convert = "load it with {} and save it as safetensors"
    formats = {
        ".gguf": "a GGUF file of llama.cpp ({}), which can't be trained or inspected; use the"
        " model it was made from",
        ".onnx": "an ONNX file ({}), which can't be trained or inspected; use the model it was"
        " exported from",
        ".h5": f"TensorFlow weights ({{}}); {convert.format('a release of transformers below 5')}",
        ".msgpack": f"Flax weights ({{}}); {convert.format('a release of transformers below 5')}",
    }
    for ending, sentence in formats.items():
        found = [name for name in names if name.lower().endswith(ending)]
        if not found and ending == ".onnx":
            inner = [name for name in list_names(folder / "onnx") if name.endswith(ending)]
            found = [f"onnx/{name}" for name in inner]
        if found:
            return sentence.format(unquoted(found[0]))
    pickles = [
        name
        for name in names
        if name.lower().endswith(PICKLES) and not name.startswith(TRAINING_STATE_PREFIXES)
    ]
    if pickles and pickles[0].lower().endswith(".joblib"):
        return (
            f"a model of scikit-learn as a pickle ({unquoted(pickles[0])}), which can run any code"
            " when opened and is not read; CLSight reads neural networks, so fine-tune one with"
            " clsight train (a linear head on embeddings can be exported from the folder of its"
            " encoder)"
        )
    if pickles:
        return (
            f"its weights only as a pickle ({unquoted(pickles[0])}), which can run any code when"
            " opened and is not read; if you trust it, load it once with transformers and call"
            " save_pretrained(), which writes model.safetensors"
        )
    return None
