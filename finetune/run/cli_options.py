"""The command line's options, made from the dataclass that holds them: one place for each fact."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from finetune.errors import FinetuneError
from finetune.run.config import TrainConfig, option_name, switch_name
from finetune.run.config_file import read_recipe

PANELS = {
    "Data": (
        "data", "validation", "test", "text_column", "pair_column", "label_column", "task",
        "ignore_check",
    ),
    "Model and output": (
        "model", "output", "overwrite", "resume", "save_minutes", "save_dtype", "push_to_hub",
    ),
    "Training": (
        "epochs", "pretrain_epochs", "batch_size", "batch_tokens", "gradient_accumulation",
        "gradient_checkpointing", "compile", "deterministic", "learning_rate", "weight_decay",
        "warmup_ratio", "layer_decay",
        "freeze_layers", "head_only", "gradual_unfreezing", "lora_rank", "lora_alpha",
        "patience", "label_smoothing", "class_weights", "max_length", "truncation",
        "window_stride", "precision", "seed", "split_seed", "seeds",
    ),
    "Measuring": ("baseline",),
    "Model card": ("base_name", "data_name", "data_terms"),
}  # fmt: skip


def with_options(command: Callable[[TrainConfig], None]) -> Callable[..., None]:
    """*command* as typer takes it: one option per field of TrainConfig, and a file of them."""

    @wraps(command)
    def called(config: Path | None, **settings: Any) -> None:
        command(TrainConfig(**settings | {"data": tuple(settings["data"])}))

    parameters = [_recipe_parameter(), *_parameters()]
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {item.name: item.annotation for item in parameters}
    return called


def field_help() -> dict[str, str]:
    """The docstring under each field of TrainConfig."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(TrainConfig)))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        line.target.id: inspect.cleandoc(below.value.value)
        for line, below in pairwise(body)
        if isinstance(line, ast.AnnAssign)
        and isinstance(line.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    }


def _recipe_parameter() -> inspect.Parameter:
    return inspect.Parameter(
        "config",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            Path | None,
            typer.Option(
                callback=_take_recipe,
                is_eager=True,
                help="TOML file of settings, such as the train.toml of a checkpoint folder;"
                " options take precedence over it.",
                rich_help_panel="Data",
            ),
        ],
    )


def _take_recipe(context: typer.Context, path: Path | None) -> Path | None:
    """Make the recipe's settings the defaults of the command that is about to be parsed."""
    if path is not None:
        try:
            context.default_map = read_recipe(path)
        except FinetuneError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
    return path


def _parameters() -> list[inspect.Parameter]:
    help_of, type_of = field_help(), get_type_hints(TrainConfig)
    type_of["data"] = list[str]
    panel_of = {name: panel for panel, names in PANELS.items() for name in names}
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=Annotated[
                type_of[field.name],
                typer.Option(
                    _names(field.name, field.default),
                    help=help_of[field.name],
                    rich_help_panel=panel_of[field.name],
                ),
            ],
        )
        for field in fields(TrainConfig)
    ]


def _names(name: str, default: object) -> str:
    """The option of a setting: the one that turns it off where it is on by default."""
    return f" /{switch_name(name, False)}" if default is True else option_name(name)
