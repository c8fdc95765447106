"""Which tensors a checkpoint does without, because all heads that they served were cut.

Written by `clsight prune` for families that keep the width of a layer's projections whatever
config.json says (viz/mechanism/README.md 4): the projections of a layer without heads are left out,
and a tiny `initializer_range` lets transformers begin them at nothing.
"""

from transformers import PreTrainedConfig, PreTrainedModel

from finetune.checkpoint.source import shown
from finetune.errors import ModelError

CUT_HEADS_KEY = "cut_heads"
"""The entry of config.json that says which heads were cut, and of what."""
ABSENT_KEY = "absent"
"""Its list of the tensors that are left out."""
RANGES = ("initializer_range", "init_std", "initializer_factor")
"""What configurations call the size of the random numbers that new tensors begin at."""
NOTHING = 1e-20
"""What a number that began at nothing is below; the product of two of them is no float32."""


def absent_tensors(config: PreTrainedConfig) -> frozenset[str]:
    """The names of tensors that the files of a checkpoint don't hold, as its config.json says."""
    entry = getattr(config, CUT_HEADS_KEY, None)
    names = entry.get(ABSENT_KEY) if isinstance(entry, dict) else None
    if not isinstance(names, list):
        return frozenset()
    return frozenset(name for name in names if isinstance(name, str))


def check_absent(model: PreTrainedModel, missing: tuple[str, ...], owner: str) -> tuple[str, ...]:
    """The *missing* tensors that config.json does not declare absent.

    Args:
        model: As it was loaded.
        missing: Tensors of the model that no file has.
        owner: What messages call the checkpoint.

    Raises:
        ModelError: One that it declares absent is part of the head, or didn't begin at nothing.
    """
    absent = absent_tensors(model.config)
    prefix = f"{model.base_model_prefix}."
    for name in missing:
        if name not in absent:
            continue
        if not name.startswith(prefix) or bool((model.get_parameter(name).abs() > NOTHING).any()):
            raise ModelError(
                f"the config.json of {owner} says that heads were cut and {shown(name)} left out,"
                " but it doesn't begin at zero; prune the checkpoint again"
            )
    return tuple(name for name in missing if name not in absent)


def end_absence(config: PreTrainedConfig) -> bool:
    """Let new tensors begin as is usual again, for a model that has all of its tensors now.

    Returns:
        Whether any were absent.
    """
    if not absent_tensors(config):
        return False
    entry = dict(getattr(config, CUT_HEADS_KEY))
    entry.pop(ABSENT_KEY)
    setattr(config, CUT_HEADS_KEY, entry)
    for part in (config, *(getattr(config, name, None) for name in config.sub_configs)):
        if isinstance(part, PreTrainedConfig):
            usual = type(part)()
            for name in RANGES:
                if hasattr(usual, name):
                    setattr(part, name, getattr(usual, name))
    return True
