"""In which numbers a run computes: float32, or bfloat16 where that is faster on this machine.

bfloat16 is that of autocast: products are computed in it, weights, optimizer and loss stay float32.
On a CPU that has it, it still need not be faster for a small model or short texts, so a few steps
are tried in both.  A run that is resumed keeps what it began with, whatever the machine says now,
and runs that are compared (seeds, trials of a search) take what the first of them took.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from transformers import PreTrainedModel

from finetune.checkpoint.bfloat16 import has_bfloat16
from finetune.checkpoint.layer_stack import find_layers
from finetune.errors import ConfigError
from finetune.evaluation.evaluate import encode
from finetune.run import processes
from finetune.run.config_sections import LoopConfig
from finetune.run.precision_choice import PrecisionChoice
from finetune.training.family_errors import family_errors, first_line
from finetune.training.freezing import lowest_trained_height
from finetune.training.prepared_run import PreparedRun

MIN_PARAMETERS = 4_000_000
"""Of weights of layers.  Training of a smaller model takes seconds, and is not worth a trial."""
MIN_GAIN = 1.1
"""How many times as fast bfloat16 has to be in the trial: less is noise."""
SAMPLE = 200
"""Texts whose median length is taken."""
STEPS = 3
"""Of each precision, of which the fastest counts."""
CPU = torch.device("cpu")


def precision_by_settings(config: LoopConfig) -> PrecisionChoice:
    """In which numbers a run computes, but for what a trial says on a CPU.

    Raises:
        ConfigError: bfloat16 is asked for, and the GPU lacks it.
    """
    cuda = torch.cuda.is_available()
    has_it = torch.cuda.is_bf16_supported(including_emulation=False) if cuda else has_bfloat16(CPU)
    machine = "GPU" if cuda else "processor"
    if config.precision == "bfloat16" and cuda and not has_it:
        raise ConfigError("--precision is bfloat16, which this GPU does not support; use float32")
    if config.precision != "auto":
        return PrecisionChoice(config.precision, "as asked for")
    if not has_it:
        return PrecisionChoice("float32", f"this {machine} has no bfloat16")
    if cuda:
        return PrecisionChoice("bfloat16", "this GPU has it")
    if config.deterministic:
        return PrecisionChoice("float32", "kept by --deterministic")
    return PrecisionChoice("float32", "no trial of bfloat16 was made")


def requires_trial(config: LoopConfig, model: PreTrainedModel) -> bool:
    """Whether bfloat16 is possible on this CPU, and neither asked for nor refused."""
    if torch.cuda.is_available() or config.precision != "auto" or config.deterministic:
        return False
    layers = (each for each in model.modules() if isinstance(each, nn.Linear))
    weights = sum(layer.weight.numel() for layer in layers)
    return has_bfloat16(CPU) and weights >= MIN_PARAMETERS


def choose_precision(run: PreparedRun) -> PrecisionChoice:
    """What a trial says is faster where one is needed; of several processes the first makes it.

    Raises:
        ModelError: The model can't be trained on batches of texts.
    """
    if not requires_trial(run.config, run.base.model):
        return run.precision
    choice = _tried(run) if processes.is_first() else None
    bfloat16 = processes.any_true(choice is not None and choice.bfloat16)
    return choice or PrecisionChoice("bfloat16" if bfloat16 else "float32")


def _tried(run: PreparedRun) -> PrecisionChoice:
    try:
        seconds = seconds_of_step(run)
    except NoBfloat16Error as error:
        return PrecisionChoice("float32", f"this model can't be trained in bfloat16: {error}")
    faster = seconds["float32"] / max(seconds["bfloat16"], 1e-9) >= MIN_GAIN
    chosen, other = ("bfloat16", "float32") if faster else ("float32", "bfloat16")
    return PrecisionChoice(
        chosen,
        f"in a trial a step took {seconds[chosen]:.2f} s of processor time, in {other}"
        f" {seconds[other]:.2f} s",
    )


class NoBfloat16Error(Exception):
    """A model that is trained in float32 can't be in bfloat16."""


def seconds_of_step(run: PreparedRun) -> dict[str, float]:
    """How long a step takes in each precision, for a batch of texts of the median length.

    A step is forward and backward pass, clipping and the optimizer's update.  Nothing of the run
    changes: no weight, no gradient and no random number.  Counted is the time of the processor, not
    of the clock, so that what else the machine does matters little.

    Raises:
        NoBfloat16Error: The model can't be trained in bfloat16.
        ModelError: Nor on batches of texts at all.
    """
    model, texts = run.base.model, run.splits.train.inputs()[:SAMPLE]
    encoded = encode(run.base, texts, max_length=run.max_length)
    order = sorted(range(len(texts)), key=lambda row: len(encoded["input_ids"][row]))
    median = order[len(order) // 2]
    inputs = {
        name: torch.tensor(rows[median]).expand(run.config.batch_size, -1)
        for name, rows in encoded.items()
    }
    seconds: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    with torch.random.fork_rng(devices=[]), _learning(run) as weights, family_errors(model):
        optimizer = torch.optim.AdamW(weights, lr=0.0, weight_decay=0.0, fused=True)
        for _ in range(STEPS):
            for precision, times in seconds.items():
                started = time.process_time()
                try:
                    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                        logits = model(**inputs).logits
                    logits.float().square().mean().backward()
                    # To nothing, so that no weight moves.
                    finite = clip_grad_norm_(weights, 0.0).isfinite()
                except (RuntimeError, TypeError) as error:
                    if precision == "float32":
                        raise
                    raise NoBfloat16Error(first_line(error)) from error
                if finite:
                    optimizer.step()
                elif precision == "bfloat16":
                    raise NoBfloat16Error("its gradients are not finite")
                optimizer.zero_grad()
                times.append(time.process_time() - started)
    return {precision: min(times) for precision, times in seconds.items()}


@contextmanager
def _learning(run: PreparedRun) -> Iterator[list[nn.Parameter]]:
    """The weights that learn, and no others meanwhile.

    The factors of LoRA are not there yet.  Norms and biases take their place: the backward pass
    goes through all layers for them too, and they are as few.
    """
    model, config = run.base.model, run.config
    stack = find_layers(model)
    floor = lowest_trained_height(config, stack.n_layers)
    parameters, was_training = dict(model.named_parameters()), model.training
    learned = [each.requires_grad for each in parameters.values()]
    for name, each in parameters.items():
        each.requires_grad_(
            stack.height(name) >= floor and (each.dim() == 1 or not config.lora_rank)
        )
    model.train()
    try:
        yield [each for each in parameters.values() if each.requires_grad]
    finally:
        model.train(was_training)
        for each, learns in zip(parameters.values(), learned, strict=True):
            each.requires_grad_(learns)
            each.grad = None
