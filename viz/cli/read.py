"""`clsight read`: a text, its class, and the words that made the difference."""

import json
from typing import Annotated

import typer

from viz.cli.terminal import (
    METHOD_HELP,
    TEXT_ARGUMENT,
    AgainstOption,
    CheckpointOption,
    PairOption,
    TargetOption,
    WithoutOption,
    check_method,
    exit_on_error,
    load_classifier,
    print_notes,
    print_text,
    text_or_stdin,
)


def read(
    text: Annotated[str, TEXT_ARGUMENT],
    pair: PairOption = None,
    checkpoint: CheckpointOption = None,
    without: WithoutOption = None,
    method: Annotated[str | None, typer.Option(help=METHOD_HELP, show_default=False)] = None,
    target: TargetOption = None,
    against: AgainstOption = "runner-up",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object, without attention weights."),
    ] = False,
) -> None:
    """Read a text: its class, all probabilities, and the words that made the difference.

    Of a model that predicts a score: the score, and the words that raise or lower it.

    Example: clsight read "Oil prices rise as stocks fall"
    """
    with exit_on_error():
        from viz.attribution.class_names import attribute_by_name
        from viz.errors import MethodError
        from viz.export.report import record, report

        if method is not None:
            check_method(method)
        classifier = load_classifier(checkpoint, without)
        reading = classifier.read(text_or_stdin(text), pair)
        attribution, refused = None, None
        try:
            attribution = attribute_by_name(
                classifier, reading, method, target=target, against=against
            )
        except MethodError as error:  # the class is printed in any case
            refused = error
        if as_json:
            typer.echo(json.dumps(record(reading, attribution), allow_nan=False))
        else:
            print_text("\n".join(report(reading, attribution)))
            print_notes(reading.encoding)
        if refused is not None:
            raise refused
