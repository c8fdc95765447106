"""The command `clsight`: opens the app, and has all commands of `viz` and of `finetune`."""

from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

# By name, since this is the one place where both command lines meet.
from finetune.__main__ import after_training
from finetune.__main__ import app as finetune
from viz.cli.commands import app as viz
from viz.model.installation import APP, version

LOOK, TRAIN = "Look at a model", "Train and measure one"
SUMMARIES = {
    "read": "Classify a text and show which words decided.",
    "inside": "Show every equation behind one attention weight.",
    "compare": "Compare two texts, or two checkpoints.",
    "predict": "Predict every row of a file.",
    "audit": "Find what goes wrong on a data set, and why.",
    "export": "Save pictures and numbers of a text or a data set.",
    "replay": "Recompute saved numbers and compare them.",
    "score": "Measure how faithful each method is.",
    "sanity": "Check that methods react to weights and classes.",
    "heads": "Measure which attention heads matter.",
    "prune": "Write a smaller checkpoint, without some heads.",
    "film": "Show a text over the course of fine-tuning.",
    "families": "List the families of models that open.",
    "check": "Find what is wrong with a data set.",
    "train": "Fine-tune a classifier.",
    "tune": "Search for settings, and train with the best.",
    "resume": "Continue a run that was stopped.",
    "evaluate": "Measure a classifier on a data set.",
    "baseline": "Measure classical classifiers on a data set.",
}
"""A few words for each command, so that the help fits a screen."""


TRAINING = ("train", "tune", "resume")
"""Commands that leave a checkpoint, for which methods are ranked then."""
COMPLETION = {
    "install_completion": "Complete words in this shell.",
    "show_completion": "Print what that would install.",
}
"""Help of typer's own options that fits a line."""


class OpensTheApp(TyperGroup):
    """Commands of which `app` is meant where none is named."""

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        """The options, those of typer told in a line each."""
        params: list[Any] = super().get_params(ctx)
        for each in params:
            each.help = COMPLETION.get(each.name, getattr(each, "help", None))
        return params

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Take no command, or an option of the server such as `--server.port`, for `app`."""
        is_for_app = not args or (args[0].startswith("--") and "." in args[0])
        if is_for_app and not ctx.resilient_parsing:  # as it is where a shell asks to complete
            args = ["app", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=OpensTheApp,
    help="See what a text classifier looks at. Without a command: open the app.",
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"CLSight {version()}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Take the options that belong to no command."""


@app.command(
    "app",
    short_help="Open the app in the browser.",
    rich_help_panel=LOOK,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def open_app(context: typer.Context) -> None:
    """Open the app in the browser, as clsight does without a command.

    Options are passed to Streamlit's server; `streamlit run --help` lists them.

    Example: clsight --server.port 8502 --server.headless true
    """
    from streamlit.web.cli import main_run

    main_run.main([str(APP), *context.args], prog_name="clsight app")


def _ranking_last(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that trains, after which methods are ranked for what it has left."""

    @wraps(command)
    def train_and_rank(*args: Any, **options: Any) -> Any:
        from viz.cli.ranking import rank_after_training

        token = after_training.set(rank_after_training)
        try:
            return command(*args, **options)
        finally:
            after_training.reset(token)

    return train_and_rank


def _add(line: typer.Typer, panel: str) -> None:
    """Add all commands of another command line under a heading of their own."""
    for command in line.registered_commands:
        own = copy(command)
        assert own.callback is not None  # a registered command has one
        name = own.name or own.callback.__name__
        if name in TRAINING:
            own.callback = _ranking_last(own.callback)
        own.short_help = SUMMARIES[name]
        own.rich_help_panel = panel
        app.registered_commands.append(own)
    for group in line.registered_groups:
        several = copy(group)
        assert isinstance(several.name, str)  # of commands that stand under a name
        several.short_help = SUMMARIES[several.name]
        several.rich_help_panel = panel
        app.registered_groups.append(several)


_add(viz, LOOK)
_add(finetune, TRAIN)

if __name__ == "__main__":
    app(prog_name="clsight")
