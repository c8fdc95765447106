"""The options of the command line, made from the records of settings that a command takes."""

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from finetune.errors import FinetuneError
from finetune.run.config import COMMAND_SETTINGS, TrainConfig
from finetune.run.config_file import read_config_file
from finetune.run.setting_types import Settings, option_name, switch_name

COMMON = frozenset({
    "data", "validation", "test", "text_column", "label_column", "model", "output", "overwrite",
    "resume", "epochs", "batch_size", "learning_rate", "max_length", "seed", "seeds",
})  # fmt: skip
"""The settings of training that `--help` shows; `--help-all` shows all of them."""


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """*command* as typer takes it: a record of settings becomes one option for each field.

    Parameters of other types stay as they are. A command that takes a whole TrainConfig can also
    read its settings from a file, and tells the less usual ones only by `--help-all`.
    """
    own = inspect.signature(command, eval_str=True).parameters
    records = {name: each.annotation for name, each in own.items() if is_record(each.annotation)}
    whole = TrainConfig in records.values()

    @wraps(command)
    def called(**given: Any) -> None:
        for name in ("config_file", "help_all") if whole else ():
            del given[name]
        for name, record in records.items():
            given[name] = record(**{field.name: given.pop(field.name) for field in fields(record)})
        command(**given)

    parameters = [_file_parameter(), _help_parameter()] if whole else []
    for name, each in own.items():
        record = records.get(name)
        parameters += [each.replace(kind=KEYWORD)] if record is None else _parameters(record)
    parameters.sort(key=lambda each: each.default is not inspect.Parameter.empty)
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


KEYWORD = inspect.Parameter.KEYWORD_ONLY


def is_record(kind: Any) -> bool:
    """Whether an annotation is a record of settings."""
    return is_dataclass(kind) and isinstance(kind, type) and issubclass(kind, Settings)


def sections(record: type[Settings]) -> dict[str, tuple[str, str]]:
    """The title of the section and the help of each setting, from docstrings.

    A field is of the class that declares it.
    """
    described_settings: dict[str, tuple[str, str]] = {}
    for section in reversed(record.__mro__):
        own = vars(section).get("__annotations__", {})
        described = vars(section).get("__pydantic_fields__", {})
        described_settings |= {
            name: (inspect.cleandoc(section.__doc__ or ""), described[name].description or "")
            for name in own
            if name in described
        }
    return described_settings


def _parameters(record: type[Settings]) -> list[inspect.Parameter]:
    types, described = get_type_hints(record), sections(record)
    types["data"] = list[str]
    parameters = []
    for field in fields(record):  # type: ignore[arg-type]
        shown = record is not TrainConfig or field.name in COMMON
        names = option_name(field.name)
        if field.default is True or (field.default is False and field.name not in COMMAND_SETTINGS):
            # Both, so that an option can also undo what a file of settings says.
            names += f"/{switch_name(field.name, False)}"
        option = typer.Option(
            names,
            help=first_sentence(described[field.name][1]),
            hidden=not shown,
        )
        parameters.append(
            inspect.Parameter(
                field.name,
                KEYWORD,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=Annotated[types[field.name], option],
            )
        )
    return parameters


def first_sentence(text: str) -> str:
    """The beginning of a help text, up to the first full stop."""
    head, stop, _ = " ".join(text.split()).partition(". ")
    return head + stop.strip()


def _file_parameter() -> inspect.Parameter:
    option = typer.Option(
        "--config",
        callback=_take_file,
        is_eager=True,
        help="TOML file of settings, such as the train.toml of a checkpoint folder; options take"
        " precedence over it.",
    )
    return inspect.Parameter(
        "config_file", KEYWORD, default=None, annotation=Annotated[Path | None, option]
    )


def _take_file(context: typer.Context, path: Path | None) -> Path | None:
    """Make the settings of the file the defaults of the command that is about to be parsed."""
    if path is not None:
        try:
            context.default_map = read_config_file(path)
        except FinetuneError as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error
    return path


def _help_parameter() -> inspect.Parameter:
    option = typer.Option(
        "--help-all", callback=_tell_all, is_eager=True, help="Show every setting, and exit."
    )
    return inspect.Parameter("help_all", KEYWORD, default=False, annotation=Annotated[bool, option])


def _tell_all(context: typer.Context, wanted: bool) -> None:
    """Print the help with each setting and the whole of its text, section by section."""
    if not wanted:
        return
    described = sections(TrainConfig)
    for parameter in context.command.params:
        if parameter.name in described:
            if parameter.default is False:
                # Its opposite would fill a column of its own, and is said once.
                parameter.secondary_opts = []
                parameter.show_default = False  # type: ignore[attr-defined]
            parameter.hidden = False  # type: ignore[attr-defined]
            section, parameter.help = described[parameter.name]  # type: ignore[attr-defined]
            parameter.rich_help_panel = section  # type: ignore[attr-defined]
    typer.echo(context.get_help())
    raise typer.Exit
