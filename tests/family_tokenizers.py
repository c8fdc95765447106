"""Small tokenizers of the kinds that families use, built on the spot."""

from dataclasses import dataclass, field
from typing import Literal

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from tests.tiny_models import CHINESE, PIECES, WORDS, vocabulary

MAX_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Kind:
    """How texts are cut into tokens, and which tokens a family puts around them."""

    core: Literal["wordpiece", "bytes", "unigram"]
    special: dict[str, str]
    """The special tokens by role; the order gives their ids."""
    single: str
    """The template of one text, `$A`."""
    pair: str
    """The template of two texts, `$A` and `$B`; a type id may follow a colon."""
    types: bool = False
    """Whether `token_type_ids` are among the inputs."""
    pads: Literal["right", "left"] = "right"
    more: tuple[str, ...] = field(default=())
    """Special tokens without a role, such as the code of a language."""


BERT = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
ROBERTA = {"bos": "<s>", "pad": "<pad>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"}
MARKED = ("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1")
DOUBLE = ("<s> $A </s>", "<s> $A </s> </s> $B </s>")

KINDS: dict[str, Kind] = {
    "bert": Kind("wordpiece", BERT, *MARKED, types=True),
    "distilbert": Kind("wordpiece", BERT, *MARKED),
    "mpnet": Kind("wordpiece", ROBERTA, *DOUBLE),
    "roberta": Kind("bytes", ROBERTA, *DOUBLE),
    "xlm-roberta": Kind("unigram", ROBERTA, *DOUBLE),
    "mbart": Kind(
        "unigram", ROBERTA, "$A </s> en_XX", "$A </s> $B </s> en_XX", more=("en_XX",)
    ),
    "albert": Kind("unigram", BERT, *MARKED, types=True),
    "modernbert": Kind("bytes", BERT, *MARKED),
    "t5": Kind(
        "unigram", {"pad": "<pad>", "eos": "</s>", "unk": "<unk>"}, "$A </s>", "$A </s> $B </s>"
    ),
    "xlnet": Kind(
        "unigram",
        {
            "unk": "<unk>", "bos": "<s>", "eos": "</s>", "cls": "<cls>", "sep": "<sep>",
            "pad": "<pad>", "mask": "<mask>",
        },
        "$A <sep> <cls>:2",
        "$A <sep> $B:1 <sep>:1 <cls>:2",
        types=True,
        pads="left",
    ),
    "gpt2": Kind("bytes", {"eos": "<|endoftext|>", "pad": "<|pad|>"}, "$A", "$A $B"),
    "gpt2 without padding": Kind(
        "bytes", {"eos": "<|endoftext|>", "pad": "<|endoftext|>"}, "$A", "$A $B"
    ),
    "qwen": Kind("bytes", {"pad": "<|endoftext|>", "eos": "<|im_end|>"}, "$A", "$A $B"),
    "llama": Kind(
        "unigram",
        {"unk": "<unk>", "bos": "<s>", "eos": "</s>", "pad": "<pad>"},
        "<s> $A",
        "<s> $A <s>:1 $B:1",
    ),
    "gemma": Kind(
        "unigram",
        {"pad": "<pad>", "eos": "<eos>", "bos": "<bos>", "unk": "<unk>"},
        "<bos> $A",
        "<bos> $A <bos>:1 $B:1",
    ),
}  # fmt: skip
"""Tokenizers by the family that made each known."""


def _wordpiece(kind: Kind) -> Tokenizer:
    core = Tokenizer(
        models.WordPiece(
            vocabulary((*kind.special.values(), *kind.more)),
            unk_token=kind.special["unk"],
            continuing_subword_prefix="##",
        )
    )
    core.normalizer = normalizers.BertNormalizer(lowercase=True)
    core.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    core.decoder = decoders.WordPiece()
    return core


def _bytes(kind: Kind) -> Tokenizer:
    """Byte-level BPE: every text is known, and the blank before a word is part of its token."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=420,
        special_tokens=list(dict.fromkeys([*kind.special.values(), *kind.more])),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(
        ["".join(f" {word}" for word in line.split()) for line in WORDS], trainer
    )
    return core


def _unigram(kind: Kind) -> Tokenizer:
    """SentencePiece's kind: a blank is written as `▁` and is part of the token behind it."""
    words = [f"▁{word}" for line in WORDS for word in line.split()]
    letters = [piece for piece in PIECES if not piece.startswith("##")]
    scores = dict.fromkeys([*kind.special.values(), *kind.more], 0.0)
    scores |= dict.fromkeys(words, -4.0) | dict.fromkeys(["▁", *letters, *CHINESE], -8.0)
    scores |= dict.fromkeys([",", ".", "!", "?", "'", '"', "-", "<", ">"], -8.0)
    unknown = list(scores).index(kind.special["unk"])
    core = Tokenizer(models.Unigram(list(scores.items()), unknown, byte_fallback=False))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Metaspace()
    core.decoder = decoders.Metaspace()
    return core


_CORES = {"wordpiece": _wordpiece, "bytes": _bytes, "unigram": _unigram}


def family_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a kind, by its name in `KINDS`."""
    kind = KINDS[name]
    core = _CORES[kind.core](kind)
    ids = dict.fromkeys([*kind.special.values(), *kind.more])
    core.post_processor = processors.TemplateProcessing(
        single=kind.single,
        pair=kind.pair,
        special_tokens=[(token, core.token_to_id(token)) for token in ids],
    )
    roles = {f"{role}_token": token for role, token in kind.special.items()}
    if "bos" in kind.special and "mask" in kind.special and "cls" not in kind.special:
        roles |= {"cls_token": kind.special["bos"], "sep_token": kind.special["eos"]}
    names = ["input_ids", "token_type_ids", "attention_mask"]
    if not kind.types:
        names.remove("token_type_ids")
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        model_input_names=names,
        padding_side=kind.pads,
        additional_special_tokens=list(kind.more),
        **roles,
    )
