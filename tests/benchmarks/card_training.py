"""Training of random models of real shapes on generated texts: its rate, and its share of the card.

The fair peer is transformers' Trainer as a good user writes it: dynamic padding, batches of texts
of like length (`train_sampling_strategy="group_by_length"`), the same rows, batch size and dtype.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    DataCollatorWithPadding,
    ModernBertConfig,
    PreTrainedConfig,
    PrinterCallback,
    Trainer,
    TrainingArguments,
    set_seed,
)

from finetune.run.config import DEFAULTS, TrainConfig
from finetune.training import fit
from finetune.training.train import train
from finetune.training.trainer import SnapshotTrainer
from tests.benchmarks.card_peaks import peak_of
from tests.benchmarks.card_report import Figure, SkippedPart
from tests.benchmarks.clock import Clock
from tests.benchmarks.result import timed
from tests.finetune.news import write_csv
from viz.model.classifier import default_checkpoint

PEER = "Trainer, dynamic padding, group_by_length"
LABELS = ("World", "Sports", "Business", "Sci/Tech")
WARM_UP = 10
"""Steps that are not counted: kernels are chosen, and compiled, in them."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done, so that a test can do as little as it likes."""

    rows: int = 4096
    batch_size: int = 64
    tokens: int = 50
    """Of a text, on average."""
    side: int = 8192
    """Of the matrices whose product says what the machine can do."""
    lengths: tuple[int, ...] = (32, 128, 512)
    """Tokens of texts that are read."""
    rounds: int = 20
    scored: int = 40
    """Texts that `score` measures."""
    shape: dict[str, int] | None = None
    """Changes every model's shape; None leaves it."""


def matmul_rate(device: torch.device, side: int, dtype: torch.dtype = torch.bfloat16) -> float:
    """Operations a second of a large product on this device, the best of five."""
    one, other = torch.randn(2, side, side, device=device, dtype=dtype)

    def product() -> None:
        torch.mm(one, other)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    product()
    seconds = min(timed(product)[0] for _ in range(5))
    return 2 * side**3 / seconds


def operations(model: torch.nn.Module, lengths: list[int]) -> float:
    """Operations that training on texts of so many tokens needs, forward and backward.

    Six a token and weight of the layers, and 12 L T² d of attention (Chowdhery et al.
    2022, appendix B).  Padding, and what is computed twice, count as waste.
    """
    config: Any = model.config
    # What stands behind the layers is computed for one token only.
    weights = sum(
        each.numel()
        for name, each in model.named_parameters()
        if each.dim() == 2 and re.search(r"\.layers?\.\d", name)
    )
    width: int = config.num_hidden_layers * config.hidden_size
    return float(sum(6 * weights * n + 12 * width * n * n for n in lengths))


def config_of(shape: str, n_tokens: int, changes: dict[str, int] | None) -> PreTrainedConfig:
    """The shape of MiniLM, BERT-base or ModernBERT-base."""
    shared = {"num_labels": len(LABELS), "vocab_size": n_tokens, **(changes or {})}
    if shape == "ModernBERT-base":
        ids = {"pad_token_id": 0, "bos_token_id": 101, "eos_token_id": 102}
        return ModernBertConfig(**shared, **ids, cls_token_id=101, sep_token_id=102)
    small = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}
    return BertConfig(**(small if shape == "MiniLM" else {}) | shared)


def save_model(shape: str, folder: Path, changes: dict[str, int] | None) -> Path:
    """A random classifier of a real *shape*, with the tokenizer of the shipped checkpoint."""
    tokenizer = AutoTokenizer.from_pretrained(default_checkpoint())
    torch.manual_seed(0)
    config = config_of(shape, len(tokenizer), changes)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def texts_of(n: int, tokens: int, seed: int = 0) -> list[str]:
    """So many texts of random words, one token each; lengths spread as those of news do."""
    draw = random.Random(seed)
    tokenizer = AutoTokenizer.from_pretrained(default_checkpoint())
    words = sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha())
    lengths = (min(max(3, round(tokens * draw.lognormvariate(-0.12, 0.5))), 480) for _ in range(n))
    return [" ".join(draw.choices(words, k=length)) for length in lengths]


def measure(
    shape: str, variant: str, device: torch.device, sizes: Sizes, folder: Path
) -> Iterator[Figure]:
    """Texts a second of our run and of the peer's, and the share of the peak that each is.

    A card whose peak is not known has no share.

    Args:
        shape: Of the model.
        variant: `eager`, `compiled`, or `packed` where `finetune` has it.
        device: On which they run.
        sizes: How much is trained.
        folder: For models and runs.
    """
    if variant == "packed" and "packing" not in DEFAULTS:
        raise SkippedPart("clsight train has no setting that packs texts without padding")
    base = save_model(shape, folder / "base", sizes.shape)
    texts = texts_of(sizes.rows, sizes.tokens)
    rows = [{"text": text, "label": LABELS[at % 4]} for at, text in enumerate(texts)]
    data = write_csv(folder / "train.csv", rows)
    held_out = texts_of(64, sizes.tokens, seed=1)
    held = [{"text": text, "label": LABELS[at % 4]} for at, text in enumerate(held_out)]
    more = {"packing": True} if variant == "packed" else {}
    config = TrainConfig(
        data=(str(data),),
        validation=str(write_csv(folder / "validation.csv", held)),
        model=str(base),
        output=folder / "ours",
        epochs=1,
        batch_size=sizes.batch_size,
        learning_rate=1e-4,
        precision="bfloat16",
        compile=variant == "compiled",
        baseline=False,
        save_minutes=1e6,
        **more,  # type: ignore[arg-type]
    )
    tokenizer = AutoTokenizer.from_pretrained(base)
    read = dict(tokenizer(texts, truncation=True, max_length=512))
    lengths = [len(ids) for ids in read["input_ids"]]
    model = AutoModelForSequenceClassification.from_pretrained(base)
    each = operations(model, lengths) / len(lengths)
    peak = peak_of(device)
    peer = "peer, compiled" if config.compile else "peer"
    warm_up = min(WARM_UP, len(texts) // sizes.batch_size // 3)
    runs = {
        f"{shape}, {variant}": lambda clock: _ours(config, clock),
        f"{shape}, {peer}": lambda clock: _peer(config, read, device, clock),
    }
    for name, run in runs.items():
        clock = Clock(warm_up=warm_up)
        run(clock)  # type: ignore[no-untyped-call]
        rate = clock.steps * sizes.batch_size / clock.seconds
        yield Figure(f"training {name}", rate, "texts/s", PEER if peer in name else "")
        if peak is not None:
            share = 100 * rate * each / (peak.tera * 1e12)
            yield Figure(f"MFU of {name}", share, "%", peak.source)


def _ours(config: TrainConfig, clock: Clock) -> None:
    with patch.object(fit, "SnapshotTrainer", partial(SnapshotTrainer, callbacks=[clock])):
        train(config, say=lambda line: None)


def _peer(
    config: TrainConfig, read: dict[str, list[list[int]]], device: torch.device, clock: Clock
) -> None:
    """The same training by the Trainer; the rows are labeled in turns."""
    set_seed(config.seed)
    tokenizer = AutoTokenizer.from_pretrained(config.model)
    labels = [at % len(LABELS) for at in range(len(read["input_ids"]))]
    cuda = device.type == "cuda"
    arguments = TrainingArguments(
        output_dir=str(config.output),
        num_train_epochs=config.epochs,
        per_device_train_batch_size=config.batch_size,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        warmup_steps=config.warmup_ratio,
        train_sampling_strategy="group_by_length",
        bf16=True,
        torch_compile=config.compile,
        use_cpu=not cuda,
        dataloader_pin_memory=cuda,
        dataloader_num_workers=2 if cuda else 0,
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        report_to="none",
        seed=config.seed,
    )
    trainer = Trainer(
        model=AutoModelForSequenceClassification.from_pretrained(config.model, dtype=torch.float32),
        args=arguments,
        train_dataset=Dataset.from_dict(read | {"labels": labels}),
        data_collator=DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8),
        callbacks=[clock],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()
