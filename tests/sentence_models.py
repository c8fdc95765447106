"""Small folders as sentence-transformers saves them, and what that library makes of their files."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoModel

from tests.tiny_models import Family, tiny_checkpoint, tokenizer

TEXTS = ("oil prices rise", "team wins game in peace talks !", "ice")
WIDTH = 32


def tiny_sentence_model(place: Path, family: Family = "bert", *, pooling: str = "mean") -> Path:
    """Save an encoder with its pooling, as a model that gives embeddings."""
    AutoModel.from_pretrained(tiny_checkpoint(place, family)).save_pretrained(place)
    settings = json.loads((place / "config.json").read_text("utf-8"))
    for name in ("id2label", "label2id"):
        settings.pop(name, None)
    (place / "config.json").write_text(json.dumps(settings))
    (place / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 48, "do_lower_case": False})
    )
    add_module(place, "Transformer", path="")
    modes = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token"}
    flags = {name: mode == pooling for mode, name in modes.items()}
    add_module(place, "Pooling", {"word_embedding_dimension": WIDTH} | flags)
    return place


def add_module(
    place: Path, kind: str, settings: dict[str, Any] | None = None, *, path: str | None = None
) -> Path:
    """Append a module to the list of a folder, with its settings in a folder of its own."""
    file = place / "modules.json"
    listed = json.loads(file.read_text("utf-8")) if file.is_file() else []
    number = len(listed)
    room = f"{number}_{kind}" if path is None else path
    entry = {"idx": number, "name": str(number), "path": room}
    file.write_text(json.dumps([*listed, entry | {"type": f"sentence_transformers.models.{kind}"}]))
    (place / room).mkdir(exist_ok=True)
    if settings is not None:
        (place / room / "config.json").write_text(json.dumps(settings))
    return place / room


def add_dense(
    place: Path, inputs: int, outputs: int, *, activation: str = "Identity", bias: bool = True
) -> Path:
    """Append a linear layer of random weights."""
    home = "linear" if activation == "Identity" else "activation"
    about = {
        "in_features": inputs, "out_features": outputs, "bias": bias,
        "activation_function": f"torch.nn.modules.{home}.{activation}",
    }  # fmt: skip
    room = add_module(place, "Dense", about)
    torch.manual_seed(outputs)
    tensors = {"linear.weight": torch.randn(outputs, inputs)}
    if bias:
        tensors["linear.bias"] = torch.randn(outputs)
    save_file(tensors, room / "model.safetensors", metadata={"format": "pt"})
    return room


def library_outputs(place: Path) -> Tensor:
    """What the modules of a folder give for `TEXTS`, one after the other.  (N, C)"""
    words = tokenizer("roberta" if "roberta" in (place / "config.json").read_text() else "bert")
    encoded = words(list(TEXTS), return_tensors="pt", padding=True)
    mask = encoded["attention_mask"].unsqueeze(-1).float()
    with torch.inference_mode():
        states = AutoModel.from_pretrained(place).eval()(**encoded)[0]
        found: Tensor = states[:, 0]
        for entry in json.loads((place / "modules.json").read_text("utf-8"))[1:]:
            room, kind = place / entry["path"], entry["type"].rpartition(".")[2]
            if kind == "Pooling":
                if json.loads((room / "config.json").read_text())["pooling_mode_mean_tokens"]:
                    found = (states * mask).sum(1) / torch.clamp(mask.sum(1), min=1e-9)
            elif kind == "Normalize":
                found = nn.functional.normalize(found, p=2, dim=1)
            elif kind == "Dense":
                about = json.loads((room / "config.json").read_text("utf-8"))
                tensors = load_file(room / "model.safetensors")
                found = nn.functional.linear(
                    found, tensors["linear.weight"], tensors.get("linear.bias")
                )
                name = about["activation_function"].rpartition(".")[2]
                found = (nn.Softmax(dim=1) if name == "Softmax" else getattr(nn, name)())(found)
    return found
