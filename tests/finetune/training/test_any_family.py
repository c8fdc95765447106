"""What can be trained can be opened: three steps on a tiny base of each family."""

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetune.run.events import Events
from finetune.training.fit import fit
from finetune.training.prepare import prepare_run
from finetune.training.results import save_weights
from tests.families import family_checkpoint
from tests.finetune.news import LABELS, news, write_csv
from tests.finetune.runs import silent, tiny_run
from viz import Classifier

ENCODERS = (
    "bert", "roberta", "xlm-roberta", "electra", "distilbert", "albert", "deberta-v2", "mpnet",
    "modernbert", "eurobert mean", "nomic_bert", "gte", "jina_embeddings_v3", "esm", "rembert",
    "big_bird", "roformer", "mobilebert", "funnel", "fnet", "canine", "longformer", "xlm",
)  # fmt: skip
DECODERS = (
    "gpt2 one token pads and ends", "gpt_neox", "opt", "bloom", "falcon", "llama", "mistral",
    "mixtral", "qwen2", "qwen3", "gemma2", "gemma3_text", "phi3", "xlnet", "jamba",
)  # fmt: skip
BOTH = ("bart", "t5", "t5gemma")
"""Of an encoder and a decoder."""
TEXT = "Oil prices rise as stocks fall."


@pytest.fixture(scope="module", autouse=True)
def _few_objects_to_look_through() -> Iterator[None]:
    """The Trainer collects garbage at each start, among all that transformers has imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows for three steps."""
    return write_csv(tmp_path_factory.mktemp("news") / "news.csv", news(24))


def bare_base(folder: Path, family: str) -> Path:
    """A small base model without any head, as many lie on the Hub."""
    whole = family_checkpoint(folder / "whole", family)
    model = AutoModelForSequenceClassification.from_pretrained(whole)
    model.base_model.save_pretrained(folder / "base")
    AutoTokenizer.from_pretrained(whole).save_pretrained(folder / "base")
    return folder / "base"


@pytest.mark.parametrize("family", [*ENCODERS, *DECODERS, *BOTH])
def test_what_is_trained_three_steps_opens_and_reads_as_it_was_trained(
    family: str, data: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    run = prepare_run(tiny_run(data, bare_base(tmp_path, family), output, epochs=1))
    before = {name: weight.clone() for name, weight in run.base.model.state_dict().items()}
    output.mkdir()
    trainer = fit(run, output, None, Events(output), silent)
    assert trainer.state.global_step == 3
    after = run.base.model.state_dict()
    moved = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    prefix = f"{run.base.model.base_model_prefix}."
    assert {name.startswith(prefix) for name in moved} == {True, False}
    saved = save_weights(run, output)
    read = Classifier.load(output).read(TEXT)
    assert read.prediction.labels == LABELS
    encoded = saved.tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode():
        logits = run.base.model.eval()(**encoded).logits[0].double().softmax(-1).numpy()
    assert np.abs(read.prediction.probabilities - logits).max() < 1e-4
