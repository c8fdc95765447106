"""Opens what sentence-transformers saved, where it ends in classes and is computed here alike."""

from dataclasses import replace

import torch
from transformers import PreTrainedConfig, PreTrainedTokenizerFast

from finetune.checkpoint.configuration import build_config
from finetune.checkpoint.folder import HEAD_PICKLE, Folder, list_names, with_settings
from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.loading import LoadedClassifier, open_model, open_tokenizer
from finetune.checkpoint.loading_report import check_complete, check_finite
from finetune.checkpoint.problem_types import MULTI_LABEL
from finetune.checkpoint.sentence_classifier import (
    HEAD_KEY,
    SentenceClassifier,
    encoder_class,
    head_settings,
    put_head,
)
from finetune.checkpoint.sentence_modules import (
    DENSE,
    SentenceModules,
    class_names,
    read_modules,
)
from finetune.checkpoint.source import shown, unquoted
from finetune.checkpoint.tokenizer import check_model_fits
from finetune.checkpoint.weights import find_weights
from finetune.errors import ModelError, with_article

MOST_UNNAMED = 32
"""Outputs that are taken for classes though nobody named them; embeddings have more."""
LOGITS = ("Identity", "Softmax", "Sigmoid")
"""Activations that may follow a last layer whose outputs are classes."""
EXPORT = (
    "import joblib; from finetune.checkpoint.linear_head import save_linear_head;"
    " head = joblib.load('{}'); save_linear_head('.', head.coef_, head.intercept_, head.classes_)"
)
"""What writes the linear classifier of a pickle as plain numbers, run by whoever trusts it."""


def open_sentence_classifier(
    folder: Folder, *, dtype: torch.dtype = torch.float32, attention: str | None = None
) -> LoadedClassifier:
    """The classifier that the modules of a folder are, its head that of their files.

    Args:
        folder: Where the list of modules lies.
        dtype: What weights are computed in, whatever they are stored in.
        attention: The attention implementation, by its name in transformers.

    Raises:
        ModelError: It gives embeddings, or is computed in a way that isn't known here.
    """
    modules = read_modules(folder)
    if modules is None:
        raise ModelError(_without_head(folder))
    inside = _encoder_folder(folder, modules)
    config = build_config(inside)
    kind = encoder_class(config)
    if kind is None:
        raise ModelError(
            f"{folder.owner} is a sentence-transformers model on"
            f" {with_article(config.model_type)} model, which has no encoder alone; choose another"
            " checkpoint"
        )
    _set_head(config, inside, modules)
    weights = find_weights(inside)
    tokenizer = _with_length(open_tokenizer(inside, config, weights), modules)
    if modules.lowercase:
        _require_lowercase(folder, tokenizer)
    encoder, report = open_model(
        inside, config, weights, dtype=dtype, attention=attention, kind=kind
    )
    check_complete(folder, encoder, report)
    model = SentenceClassifier(encoder.config, encoder).to(dtype)
    put_head(model, modules.layers)
    check_finite(folder, model)
    check_model_fits(model, tokenizer, folder.owner)
    model.config.name_or_path = str(folder.path)
    files = (*weights.files, *modules.files)
    return LoadedClassifier(folder, model.config, tokenizer, model, files)


def _without_head(folder: Folder) -> str:
    """Why a model without a linear layer at its end is no classifier, and what makes one of it."""
    names = list_names(folder.path)
    pickles = [name for name in names if name.endswith((".pkl", ".pickle", ".joblib"))]
    if pickles:
        maker = "a SetFit" if HEAD_PICKLE in pickles else "a sentence-transformers"
        name = HEAD_PICKLE if HEAD_PICKLE in pickles else pickles[0]
        return (
            f"the head of {folder.owner}, {maker} model, is a pickle ({unquoted(name)}), which can"
            " run any code when opened and is not read; if you trust it, write it as plain numbers"
            f" from inside the folder: python -c {shell_quoted(EXPORT.format(name))}"
        )
    return (
        f"{folder.owner} is a sentence-transformers model, which produces embeddings and has no"
        " classification head that CLSight reads; fine-tune it with clsight train"
    )


def shell_quoted(line: str) -> str:
    """A line of Python as one word of a shell."""
    return f'"{line}"'


def _encoder_folder(folder: Folder, modules: SentenceModules) -> Folder:
    room = modules.encoder
    if not room:
        return with_settings(folder)
    place = folder.path / room
    if folder.repository is not None or "/" in room or "\\" in room or place.is_symlink():
        raise ModelError(
            f"{folder.owner} keeps its encoder in {shown(room)}, where it isn't read; save the"
            " model again with a current sentence-transformers"
        )
    return with_settings(replace(folder, path=place))


def _set_head(config: PreTrainedConfig, folder: Folder, modules: SentenceModules) -> None:
    """Describe the head in the configuration: its layers, its classes, what they exclude."""
    width = config.hidden_size
    for layer in modules.layers:
        if layer.kind == DENSE and layer.inputs != width:
            raise ModelError(
                f"a linear layer of {folder.owner} reads {layer.inputs} numbers, but gets {width};"
                " save the model again"
            )
        width = layer.outputs or width
    last = modules.layers[-1]
    names = class_names(folder, width)
    if names is None and (width > MOST_UNNAMED or last.activation not in LOGITS):
        raise ModelError(
            f"{folder.owner} is a sentence-transformers model that ends in {width} numbers without"
            " names, which are an embedding; if they are classes, name them in id2label of"
            " config.json"
        )
    names = names or [f"LABEL_{number}" for number in range(width)]
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    if config.problem_type is None and width > 1 and last.activation == "Sigmoid":
        config.problem_type = MULTI_LABEL
    setattr(config, HEAD_KEY, head_settings(modules))


def _with_length(
    tokenizer: PreTrainedTokenizerFast, modules: SentenceModules
) -> PreTrainedTokenizerFast:
    """The tokenizer, which reads no more tokens than the model was made for."""
    if modules.max_length is not None:
        tokenizer.model_max_length = min(tokenizer.model_max_length, modules.max_length)
    return tokenizer


def _require_lowercase(folder: Folder, tokenizer: PreTrainedTokenizerFast) -> None:
    with as_model_error(
        f"the tokenizer of {folder.owner} fails on a short text", "save the model again"
    ):
        lower, upper = (tokenizer(text)["input_ids"] for text in ("a b c", "A B C"))
    if lower != upper:
        raise ModelError(
            f"{folder.owner} reads texts in lower case, which its tokenizer doesn't do; save it"
            " with a tokenizer that does"
        )
