"""Docstrings of commands as a terminal shows them."""

import inspect
import re

import typer

_MARKUP = re.compile(r"\[(?=[a-z#/@])")
"""What typer would take for a style, and leave out."""


def use_docstrings(line: typer.Typer) -> None:
    """Have all commands of a command line tell their docstrings, wrapped as wide as a terminal is.

    Lines of a paragraph are joined, but for examples, and brackets stay as they are.
    """
    for command in line.registered_commands:
        assert command.callback is not None  # a registered command has one
        paragraphs = inspect.cleandoc(command.callback.__doc__ or "").split("\n\n")
        joined = [re.sub(r"\n(?!Example: )| {2,}", " ", each) for each in paragraphs]
        command.help = _MARKUP.sub(r"\\[", "\n\n".join(joined))
