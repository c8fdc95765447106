"""A small base model of any family, trained for three steps and opened again."""

from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from finetune.run.events import Events
from finetune.training.fit import fit
from finetune.training.prepare import prepare_run
from finetune.training.results import save_weights
from tests.families import family_checkpoint
from tests.finetune.news import LABELS
from tests.finetune.runs import silent, tiny_run
from viz import Classifier

TEXT = "Oil prices rise as stocks fall."


def bare_base(folder: Path, family: str) -> Path:
    """A small base model without any head, as many lie on the Hub."""
    whole = family_checkpoint(folder / "whole", family)
    model = AutoModelForSequenceClassification.from_pretrained(whole)
    model.base_model.save_pretrained(folder / "base")
    AutoTokenizer.from_pretrained(whole).save_pretrained(folder / "base")
    return folder / "base"


def train_three_steps(family: str, data: Path, folder: Path) -> tuple[str, set[str]]:
    """Train it, and see that it opens and reads as it was trained.

    Args:
        family: As transformers calls it.
        data: A file of rows for three steps.
        folder: Where base and checkpoint are written.

    Returns:
        How the names of weights of the base begin, and the names of those that were changed.
    """
    output = folder / "out"
    run = prepare_run(tiny_run(data, bare_base(folder, family), output, epochs=1))
    before = {name: weight.clone() for name, weight in run.base.model.state_dict().items()}
    output.mkdir()
    trainer = fit(run, output, None, Events(output), silent)
    assert trainer.state.global_step == 3
    after = run.base.model.state_dict()
    moved = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    assert moved
    saved = save_weights(run, output)
    read = Classifier.load(output).read(TEXT)
    assert read.prediction.labels == LABELS
    encoded = saved.tokenizer(TEXT, return_tensors="pt")
    with torch.inference_mode():
        logits = run.base.model.eval()(**encoded).logits[0].double().softmax(-1).numpy()
    assert np.abs(read.prediction.probabilities - logits).max() < 1e-4
    return f"{run.base.model.base_model_prefix}.", moved
