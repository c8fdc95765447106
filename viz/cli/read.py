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
    progress_bar,
    text_or_stdin,
)
from viz.cli.windows import (
    WindowOptions,
    WindowPoolingOption,
    WindowsOption,
    WindowStrideOption,
    read_text,
)


def read(
    text: Annotated[str, TEXT_ARGUMENT],
    pair: PairOption = None,
    checkpoint: CheckpointOption = None,
    without: WithoutOption = None,
    method: Annotated[str | None, typer.Option(help=METHOD_HELP, show_default=False)] = None,
    target: TargetOption = None,
    against: AgainstOption = "runner-up",
    windows: WindowsOption = None,
    window_stride: WindowStrideOption = None,
    window_pooling: WindowPoolingOption = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON object, without attention weights."),
    ] = False,
) -> None:
    """Read a text: its class, all probabilities, and the words that made the difference.

    Of a model that predicts a score: the score, and the words that raise or lower it.  With
    --windows all of a text is read that is longer than the model reads at once.

    Example: clsight read "Oil prices rise as stocks fall"
    """
    with exit_on_error():
        from viz.attribution import default_methods
        from viz.attribution.class_names import attribute_by_name
        from viz.attribution.method_spec import MethodSpec
        from viz.documents.attribute_document import document_passes
        from viz.documents.class_names import attribute_document_by_name
        from viz.documents.document import Document
        from viz.errors import MethodError
        from viz.export.report import document_record, record, report

        if method is not None:
            check_method(method)
        classifier = load_classifier(checkpoint, without)
        options = WindowOptions(windows, window_stride, window_pooling)
        source = read_text(classifier, text_or_stdin(text), pair, options)
        document = source if isinstance(source, Document) else None
        reading = source.pooled_reading if isinstance(source, Document) else source
        attribution, refused = None, None
        try:
            if document is None:
                attribution = attribute_by_name(
                    classifier, reading, method, target=target, against=against
                )
            else:
                spec = MethodSpec.parse(method or default_methods(classifier)[0])
                passes = document_passes(classifier, document, spec.method, spec.options)
                with progress_bar(passes, "pass") as bar:
                    attribution = attribute_document_by_name(
                        classifier,
                        document,
                        method,
                        target=target,
                        against=against,
                        progress=bar.update,
                    )
        except MethodError as error:  # the class is printed in any case
            refused = error
        if as_json:
            values = (
                record(reading, attribution)
                if document is None
                else document_record(document, attribution)
            )
            typer.echo(json.dumps(values, allow_nan=False))
        else:
            print_text("\n".join(report(reading, attribution)))
            print_notes(reading.encoding if document is None else document)
            if document is None and reading.encoding.n_unseen and pair is None:
                typer.echo("With --windows all of it is read, in overlapping windows.", err=True)
        if refused is not None:
            raise refused
