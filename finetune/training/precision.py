"""In which numbers a run computes: float32, or bfloat16 where that is faster on this machine.

bfloat16 is that of autocast: products are computed in it, weights, optimizer and loss stay float32.
On a CPU that has it, it still need not be faster for a small model or short texts, so a few steps
are tried in both.  A run that is resumed keeps what it began with, whatever the machine says now.
"""

import time

import torch
from torch import nn
from transformers import PreTrainedModel

from finetune.checkpoint.bfloat16 import has_bfloat16
from finetune.errors import ConfigError
from finetune.evaluation.evaluate import encode
from finetune.run.config_sections import LoopConfig
from finetune.training.prepared_run import PreparedRun

MIN_PARAMETERS = 4_000_000
"""Of weights of layers.  Training of a smaller model takes seconds, and is not worth a trial."""
MIN_GAIN = 1.1
"""How many times as fast bfloat16 has to be in the trial: less is noise."""
SAMPLE = 200
"""Texts whose median length is taken."""
STEPS = 3
"""Of each precision, of which the fastest counts."""


def requires_trial(config: LoopConfig, model: PreTrainedModel) -> bool:
    """Whether bfloat16 is possible on this CPU, and neither asked for nor refused."""
    if torch.cuda.is_available() or config.precision != "auto" or config.deterministic:
        return False
    layers = (each for each in model.modules() if isinstance(each, nn.Linear))
    weights = sum(layer.weight.numel() for layer in layers)
    return has_bfloat16(torch.device("cpu")) and weights >= MIN_PARAMETERS


def wants_bfloat16(config: LoopConfig) -> bool:
    """Whether a run computes in bfloat16, but for what a trial says on a CPU.

    Raises:
        ConfigError: It is asked for, and the GPU lacks it.
    """
    if not torch.cuda.is_available():
        return config.precision == "bfloat16"
    has_it = torch.cuda.is_bf16_supported(including_emulation=False)
    if config.precision == "bfloat16" and not has_it:
        raise ConfigError("--precision is bfloat16, which this GPU does not support; use float32")
    return config.precision != "float32" and has_it


def gain_of_bfloat16(run: PreparedRun) -> float:
    """How many times as fast a step is in bfloat16 as in float32, for texts of the median length.

    Nothing of the run changes: no weight, no gradient and no random number.  Counted is the time of
    the processor, not of the clock, so that what else the machine does matters little.

    Returns:
        0 where the model can't be trained in bfloat16, or not by token numbers alone.
    """
    model, texts = run.base.model, run.splits.train.inputs()[:SAMPLE]
    rows = sorted(encode(run.base, texts, max_length=run.max_length)["input_ids"], key=len)
    ids = torch.tensor(rows[len(rows) // 2]).expand(run.config.batch_size, -1)
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    weights = [each for each in model.parameters() if each.requires_grad]
    seconds: dict[bool, list[float]] = {False: [], True: []}
    was_training = model.training
    model.train()
    try:
        with torch.random.fork_rng(devices=[]):
            for _ in range(STEPS):
                for bfloat16, times in seconds.items():
                    started = time.process_time()
                    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                        logits = model(**inputs).logits
                    loss = logits.float().square().mean()
                    torch.autograd.grad(loss, weights, allow_unused=True)
                    times.append(time.process_time() - started)
                    if not loss.isfinite():
                        return 0.0
    except (RuntimeError, ValueError, TypeError, NotImplementedError, AttributeError, IndexError):
        return 0.0
    finally:
        model.train(was_training)
    return min(seconds[False]) / max(min(seconds[True]), 1e-9)
