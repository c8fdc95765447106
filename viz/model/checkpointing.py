"""A pass that is differentiated without keeping what its layers compute (Chen et al. 2016).

Of each layer only the input is kept; on the way down the layer runs again, under a recorder that
does what that of the pass did there and is then forgotten.  Gradients are the same, at the price of
one more pass, and memory grows with one layer and the states between layers.  It happens on a twin,
so that the shared model stays as it is.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from viz.jobs.cancellation import Check, current_check
from viz.jobs.layer_progress import current_layer_progress
from viz.model.freed_memory import give_back_memory
from viz.model.recording import Recorder, active_recorder
from viz.model.twins import share_weights


def checkpointed_twin(model: PreTrainedModel) -> PreTrainedModel:
    """A model with the same weights, whose layers are computed again when they are differentiated.

    Each layer asks on the way up and down whether the result is still wanted, and reports its share
    of a pass.
    """
    twin = share_weights(model)
    for module in twin.modules():
        config: Any = getattr(module, "config", None)
        if getattr(config, "use_cache", False):
            config.use_cache = False  # keys left there would still be there in the second run
    steps = _outermost_steps(twin)
    for step in steps:
        step.forward = partial(_checkpointed, step.forward, 1 / len(steps))
    return twin


def _outermost_steps(model: nn.Module) -> list[nn.Module]:
    """The entries of lists of modules that are in no other such entry, each once."""
    if isinstance(model, nn.ModuleList):
        return list(dict.fromkeys(model))
    return list(dict.fromkeys(step for part in model.children() for step in _outermost_steps(part)))


def _checkpointed(forward: Callable[..., Any], share: float, *args: Any, **kwargs: Any) -> Any:
    """Run a layer of a pass.

    Args:
        forward: The layer's own.
        share: What the layer is of a pass.
        args: What the layer is given.
        kwargs: What else.
    """
    if not torch.is_grad_enabled():
        return forward(*args, **kwargs)
    recorder, check, progress = active_recorder(), current_check(), current_layer_progress()
    replay = None if recorder is None else recorder.replay()

    def report() -> None:
        if progress is not None:
            progress(share)

    def contexts() -> tuple[AbstractContextManager[object], AbstractContextManager[object]]:
        return nullcontext(), _again(replay, check, report)

    output = checkpoint(
        forward, *args, use_reentrant=False, preserve_rng_state=False, context_fn=contexts, **kwargs
    )
    report()
    return output


@contextmanager
def _again(replay: Recorder | None, check: Check, report: Callable[[], None]) -> Iterator[None]:
    """The context in which a layer runs for the second time, maybe in a thread of torch's."""
    check()
    report()
    give_back_memory()
    with nullcontext() if replay is None else replay:  # left by an exception, once all is known
        yield
