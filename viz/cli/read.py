"""`python -m viz read`: a text, its class, and the words that made the difference."""

import json
from typing import Annotated

import typer

from viz.cli.terminal import (
    AgainstName,
    Folder,
    Pair,
    Target,
    check_method,
    given,
    load,
    notes,
    one_sentence,
    say,
)


def read(
    text: Annotated[
        str,
        typer.Argument(
            help="The text; - reads standard input; put -- before one that starts with a dash."
        ),
    ],
    pair: Pair = None,
    checkpoint: Folder = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="How words are scored: decomposition, rollout, ...; by default the first that the "
            "checkpoint allows.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    against: AgainstName = "runner-up",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object, without attention weights."),
    ] = False,
) -> None:
    """Read a text: its class, all probabilities, and the words that made the difference.

    Of a model that predicts a score: the score, and the words that raise or lower it.

    Example: python -m viz read "Oil prices rise as stocks fall"
    """
    with one_sentence():
        from viz.attribution.class_names import attribute_by_name
        from viz.errors import MethodError
        from viz.export.report import record, report

        if method is not None:
            check_method(method)
        classifier = load(checkpoint)
        reading = classifier.read(given(text), pair)
        attribution, refused = None, None
        try:
            attribution = attribute_by_name(
                classifier, reading, method, target=target, against=against
            )
        except MethodError as error:  # the class is told in any case
            refused = error
        if as_json:
            typer.echo(json.dumps(record(reading, attribution), allow_nan=False))
        else:
            say("\n".join(report(reading, attribution)))
            notes(reading.encoding)
        if refused is not None:
            raise refused
