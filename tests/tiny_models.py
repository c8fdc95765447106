"""Small seeded classifiers of each family, built on the spot: no download, no training."""

import json
from pathlib import Path
from typing import Literal

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    MPNetConfig,
    MPNetForSequenceClassification,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
)

Family = Literal["bert", "roberta", "electra", "distilbert"]
FAMILIES: tuple[Family, ...] = ("bert", "roberta", "electra", "distilbert")
LABELS = ("World", "Sports", "Business", "Sci/Tech")

WORDS = (
    "oil prices rise as stocks fall the market team wins game election peace talks minister",
    "space probe finds ice on moon good bad movie was not very script alert",
    ", . ! ? ' \" - < >",
)
PIECES = [
    *"abcdefghijklmnopqrstuvwxyz0123456789",
    *(f"##{c}" for c in "abcdefghijklmnopqrstuvwxyz"),
]
CHINESE = list("你好世界新闻市场股票")


def vocabulary(special: tuple[str, ...]) -> dict[str, int]:
    """Special tokens first, then words, single characters and Chinese."""
    words = [word for line in WORDS for word in line.split()]
    return {
        token: index
        for index, token in enumerate(dict.fromkeys([*special, *words, *PIECES, *CHINESE]))
    }


def tokenizer(family: Family) -> PreTrainedTokenizerFast:
    """WordPiece for all; RoBERTa's special tokens where the family has them."""
    roberta = family == "roberta"
    special = (
        ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
        if roberta
        else ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    )
    pad, unk, cls, sep, mask = (
        special[i] for i in ((1, 3, 0, 2, 4) if roberta else (0, 1, 2, 3, 4))
    )
    words = vocabulary(special)
    core = Tokenizer(models.WordPiece(words, unk_token=unk, continuing_subword_prefix="##"))
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    middle = f"{sep} {sep}" if roberta else sep
    second = "0" if roberta else "1"
    core.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}",
        pair=f"{cls} $A {middle} $B:{second} {sep}:{second}",
        special_tokens=[(cls, words[cls]), (sep, words[sep])],
    )
    names = ["input_ids", "attention_mask"]
    if family in ("bert", "electra"):
        names.insert(1, "token_type_ids")
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=pad,
        unk_token=unk,
        cls_token=cls,
        sep_token=sep,
        mask_token=mask,
        bos_token=cls if roberta else None,
        eos_token=sep if roberta else None,
        model_input_names=names,
        model_max_length=64,
    )


def _settings(family: Family) -> dict[str, object]:
    if family == "distilbert":
        return {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48}
    size: dict[str, object] = {
        "hidden_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 48,
    }
    return size | ({"embedding_size": 24} if family == "electra" else {})


def tiny_checkpoint(
    path: Path,
    family: Family = "bert",
    *,
    labels: tuple[str, ...] = LABELS,
    problem_type: str | None = None,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> Path:
    """Save a random classifier of 3 layers and 4 heads, its weights large enough to matter.

    The scales of its normalizations differ from 1, as trained ones do, so that none can be left out
    unseen.
    """
    words = tokenizer(family)
    config = AutoConfig.for_model(
        family,
        vocab_size=len(words),
        max_position_embeddings=66 if family == "roberta" else 64,
        pad_token_id=words.pad_token_id,
        id2label=dict(enumerate(labels)),
        label2id={label: index for index, label in enumerate(labels)},
        problem_type=problem_type,
        initializer_range=0.2,
        **_settings(family),
    )
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(0, 0.1)
            elif weight.dim() == 1:
                weight.normal_(1, 0.3)
    model.to(dtype).save_pretrained(path)
    words.save_pretrained(path)
    return path


def with_tokenizer(path: Path, words: PreTrainedTokenizerFast) -> Path:
    """Save a BERT that reads the tokens of any tokenizer."""
    folder = tiny_checkpoint(path)
    words.model_max_length = 64
    words.save_pretrained(folder)
    edit_config(folder, vocab_size=len(words))
    weights = load_file(folder / "model.safetensors")
    name = "bert.embeddings.word_embeddings.weight"
    weights[name] = torch.randn(len(words), 32, generator=torch.Generator().manual_seed(0))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return folder


def without_mask_token(path: Path) -> Path:
    """Save a classifier whose tokenizer has no mask token, as those of decoders have none."""
    folder, words = tiny_checkpoint(path), tokenizer("bert")
    words.mask_token = None
    words.save_pretrained(folder)
    return folder


def without_head(path: Path) -> Path:
    """A classifier of BERT made into a base model: its weights without the classification head."""
    weights = load_file(path / "model.safetensors")
    body = {name: weight for name, weight in weights.items() if not name.startswith("classifier.")}
    save_file(body, path / "model.safetensors", metadata={"format": "pt"})
    edit_config(path, architectures=["BertModel"])
    return path


def tiny_mpnet(path: Path) -> Path:
    """Save a classifier whose family attends with code of its own, out of our function's reach."""
    words = tokenizer("roberta")
    config = MPNetConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=66,
        num_labels=3,
        initializer_range=0.2,
    )
    torch.manual_seed(0)
    MPNetForSequenceClassification(config).save_pretrained(path)
    words.save_pretrained(path)
    return path


SHAPES: dict[str, dict[str, object]] = {
    "esm": {"position_embedding_type": "rotary", "token_dropout": False, "mask_token_id": 4},
    "funnel": {"d_model": 32, "n_head": 4, "d_head": 8, "d_inner": 48, "block_sizes": [1, 1]},
    "reformer": {
        "attn_layers": ["local", "lsh"], "axial_pos_shape": [8, 8], "axial_pos_embds_dim": [16, 16],
        "feed_forward_size": 48, "attention_head_size": 8, "is_decoder": False,
        "lsh_attn_chunk_length": 8, "local_attn_chunk_length": 8,
    },
    "longformer": {"attention_window": [8, 8], "max_position_embeddings": 66},
    "xmod": {"languages": ["en_XX"], "default_language": "en_XX", "max_position_embeddings": 66},
}  # fmt: skip
"""What a family needs beside the usual sizes."""


def tiny_config(kind: str) -> PreTrainedConfig:
    """The configuration of a model of any *kind* that transformers knows, two layers deep."""
    words = tokenizer("bert")
    sizes: dict[str, object] = {
        "vocab_size": len(words),
        "pad_token_id": words.pad_token_id,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
    }
    if kind != "funnel":
        sizes |= {
            "hidden_size": 32, "embedding_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 4, "intermediate_size": 48,
        }  # fmt: skip
    return AutoConfig.for_model(kind, **sizes | SHAPES.get(kind, {}))


def tiny_base(path: Path, kind: str) -> Path:
    """Save a random base model of any *kind*, which guesses hidden words."""
    torch.manual_seed(0)
    AutoModelForMaskedLM.from_config(tiny_config(kind)).save_pretrained(path)
    words = tokenizer("bert")
    words.model_input_names = ["input_ids", "attention_mask"]
    words.save_pretrained(path)
    return path


def edit_config(path: Path, **changes: object) -> None:
    """Overwrite entries of a checkpoint's config.json."""
    file = path / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), "utf-8")
