"""What a model is given when it is loaded, so that a Recorder sees its states and activations.

The hooks are set once and do nothing while no Recorder is active, but for one: each layer, on the
way up and down, asks whether the pass is still wanted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from finetune.checkpoint.configuration import text_config
from viz.jobs.cancellation import Check, check_cancelled, current_check
from viz.model.recording import active_recorder
from viz.model.twins import share_weights

Hook = Callable[[nn.Module, tuple[Tensor, ...], Any], Any]


def install_hooks(model: PreTrainedModel, layers: Sequence[nn.Module]) -> None:
    """Let a Recorder see word embeddings, what layers take and give, and activations."""
    for part in _steps(model):
        part.register_forward_pre_hook(_cancellation_hook, with_kwargs=True)
        part.register_forward_pre_hook(_enter_hook, with_kwargs=True)
        part.register_forward_hook(_leave_hook)
    for words in word_embeddings(model):
        words.register_forward_hook(_words_hook, with_kwargs=True)
    if layers:
        layers[0].register_forward_pre_hook(_input_hook, with_kwargs=True)
    else:
        _input_module(model.base_model).register_forward_hook(_input_module_hook)
    for layer in layers:
        layer.register_forward_hook(_states_hook, with_kwargs=True)
    for layer in decoder_stack(model)[:1]:
        layer.register_forward_pre_hook(_decoder_input_hook, with_kwargs=True)
    if model.base_model is not model:
        model.base_model.register_forward_hook(_last_states_hook)
    for module in model.modules():
        if is_activation(module):
            module.register_forward_pre_hook(_activation_pre_hook)
            module.register_forward_hook(_activation_hook(float(module(torch.zeros(1)))))


def find_layers(model: PreTrainedModel, run: Callable[[PreTrainedModel], object]) -> str | None:
    """The name of the list of the layers that read a text; None where there is none.

    Of the lists that are as long as the model has layers, it is the first that is run: a model may
    have others for pictures, or for the parts of a layer.

    Args:
        model: Whose layers.
        run: Reads a text with a model; it is given a twin.
    """
    names = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == n_layers(model)
    ]
    if len(names) < 2:
        return names[0] if names else None
    twin, ran = share_weights(model), list[str]()
    for name in names:
        twin.get_submodule(f"{name}.0").register_forward_pre_hook(_run_hook(name, ran))
    with torch.inference_mode():
        run(twin)
    return ran[0] if ran else None


def _run_hook(name: str, ran: list[str]) -> Callable[..., None]:
    return lambda module, inputs: ran.append(name)


def decoder_stack(model: PreTrainedModel) -> Sequence[nn.Module]:
    """The layers of the decoder behind an encoder; none where there is no encoder."""
    if not model.config.is_encoder_decoder:
        return []
    decoder = model.base_model.get_decoder()
    n_decoder_layers = getattr(model.config, "decoder_layers", None) or getattr(
        model.config, "num_decoder_layers", None
    )
    return _stack(decoder, int(n_decoder_layers or n_layers(model)))


def n_layers(model: PreTrainedModel) -> int:
    """How many layers the model's configuration names."""
    return int(getattr(text_config(model.config), "num_hidden_layers", 0) or 0)


def word_embeddings(model: PreTrainedModel) -> list[nn.Module]:
    """The modules that look up the vectors of `input_ids`; several may share one table."""
    try:
        words = model.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        return []
    if not isinstance(words, nn.Module):
        return []
    table = getattr(words, "weight", None)
    tied = [
        module
        for module in model.modules()
        if module is not words and isinstance(module, nn.Embedding) and (module.weight is table)
    ]
    return [words, *tied]


def is_activation(module: nn.Module) -> bool:
    """Whether a module is one function of each number it is given, and not that number itself.

    Told by trying it: moved numbers come out moved, but for the last bit, which on some processors
    depends on where in a vector a number stands.
    """
    if any(True for _ in module.parameters()) or any(True for _ in module.children()):
        return False
    numbers = torch.linspace(-2.3, 2.1, 24).view(2, 3, 4)
    order = torch.arange(24).roll(7)
    try:
        with torch.no_grad():
            given, moved = module(numbers), module(numbers.flatten()[order].view(2, 3, 4))
    except Exception:  # any module of any family is tried
        return False
    return (
        isinstance(given, Tensor)
        and given.shape == numbers.shape
        and torch.allclose(given.flatten()[order].view(2, 3, 4), moved, rtol=1e-5, atol=1e-6)
        and not torch.equal(given, numbers)
    )


def _stack(model: nn.Module, length: int) -> Sequence[nn.Module]:
    """The first list of modules of a length."""
    lists = (module for module in model.modules() if isinstance(module, nn.ModuleList))
    return next((list(layers) for layers in lists if len(layers) == length), [])


def _steps(model: nn.Module) -> list[nn.Module]:
    """The modules that a pass goes through one after the other, in a model of any architecture."""
    stacks = [part for part in model.modules() if isinstance(part, nn.ModuleList)]
    steps = {id(step): step for stack in stacks for step in stack}
    return list(steps.values()) or list(model.children())


def _input_module(base: nn.Module) -> nn.Module:
    """The module whose output enters the first layer, where layers are in no list."""
    embeddings = getattr(base, "embeddings", None)
    return embeddings if isinstance(embeddings, nn.Module) else base


def _cancellation_hook(
    module: nn.Module, inputs: tuple[Any, ...], options: Mapping[str, Any]
) -> None:
    check_cancelled()
    if not torch.is_grad_enabled():
        return
    for argument in (*inputs, *options.values()):
        if isinstance(argument, Tensor) and argument.requires_grad:
            # One is enough: the way down comes to what a layer was given after all that it made.
            argument.register_hook(_down_hook(current_check()))  # type: ignore[no-untyped-call]
            return


def _enter_hook(module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    recorder = active_recorder()
    if recorder is not None:
        recorder.on_enter(module, args, kwargs)


def _leave_hook(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
    recorder = active_recorder()
    if recorder is not None:
        recorder.on_leave(output)


def _down_hook(check: Check) -> Callable[[Tensor], None]:
    """Asks on the way down, which may be in another thread than the way up."""
    return lambda gradient: check()


def _words_hook(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any
) -> Any:
    recorder = active_recorder()
    # I-BERT's are a pair of vectors and their scale.
    words, *others = output if isinstance(output, tuple) else (output,)
    if recorder is None or not isinstance(words, Tensor) or words.dim() != 3:
        return output
    ids: Any = inputs[0] if inputs else named.get("input", named.get("input_ids"))
    replaced = recorder.on_words(ids, words)
    return (replaced, *others) if isinstance(output, tuple) else replaced


def _input_hook(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    recorder = active_recorder()
    return None if recorder is None else _replaced(inputs, named, recorder.on_first_layer)


def _decoder_input_hook(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    recorder = active_recorder()
    return None if recorder is None else _replaced(inputs, named, recorder.on_decoder_input)


def _replaced(
    inputs: tuple[Any, ...], named: dict[str, Any], replace: Callable[[Tensor], Tensor]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments of a layer with another state in the place of the one it was given."""
    before = inputs[0] if inputs else named.get("hidden_states")
    if not isinstance(before, Tensor) or before.dim() != 3:
        return None
    after = replace(before)
    return ((after, *inputs[1:]), named) if inputs else (inputs, {**named, "hidden_states": after})


def _input_module_hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> Any:
    recorder = active_recorder()
    if recorder is None or not isinstance(output, Tensor) or output.dim() != 3:
        return output
    return recorder.on_first_layer(output)


def _states_hook(
    module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], output: Any
) -> None:
    recorder = active_recorder()
    before = inputs[0] if inputs else named.get("hidden_states")
    after = output[0] if isinstance(output, tuple) else output
    if recorder is not None and isinstance(before, Tensor) and isinstance(after, Tensor):
        recorder.on_layer(before, after)


def _last_states_hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
    recorder = active_recorder()
    states = getattr(output, "last_hidden_state", None)
    if recorder is not None and isinstance(states, Tensor):
        recorder.on_last_states(states)


def _activation_pre_hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    recorder = active_recorder()
    if recorder is not None:
        recorder.on_activation_entered()


def _activation_hook(at_zero: float) -> Hook:
    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        recorder = active_recorder()
        return output if recorder is None else recorder.on_activation(inputs[0], output, at_zero)

    return hook
