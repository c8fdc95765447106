"""`clsight sanity`: whether methods react to the weights, the class and the seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from finetune.errors import number_of
from viz.cli.terminal import (
    METHODS_HELP,
    OUTPUT_HELP,
    CheckpointOption,
    DataOption,
    PairColumnOption,
    SmallLimitOption,
    TextColumnOption,
    check_limit,
    check_output,
    exit_on_error,
    load_classifier,
    method_list,
    print_text,
    read_rows,
    record_path,
)

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from viz.faithfulness.sanity_record import SanityRecord
    from viz.model.classifier import Classifier
    from viz.model.text_files import Texts


def sanity(
    data: DataOption,
    checkpoint: CheckpointOption = None,
    limit: SmallLimitOption = 20,
    methods: Annotated[
        str | None,
        typer.Option(
            help=f"{METHODS_HELP}; by default all that take at most 10 passes.", show_default=False
        ),
    ] = None,
    seed: Annotated[
        int,
        typer.Option(help="Seed for the random weights and scores.", min=0, max=2**63 - 1),
    ] = 0,
    output: Annotated[
        Path | None,
        typer.Option(help=OUTPUT_HELP.format("sanity.json"), show_default=False),
    ] = None,
    text_column: TextColumnOption = None,
    pair_column: PairColumnOption = None,
) -> None:
    """Check that methods react to what they explain, and save it as sanity.json.

    The weights of a copy are made random, from the head down.  A method whose scores stay much as
    they were shows the text, not the network, and is flagged; so is one that scores every class
    the same, and one whose scores do not add up to what they split.

    Example: clsight sanity --checkpoint out/my-model --data validation.csv
    """
    with exit_on_error():
        from viz.export.atomic_files import write
        from viz.faithfulness.sanity import default_methods
        from viz.faithfulness.sanity_record import FILE, content_of
        from viz.model.text_files import Columns, open_texts

        check_limit(limit)
        names = default_methods() if methods is None else method_list(methods)
        check_output(output, [data])
        target = record_path(checkpoint, output, FILE)
        texts = open_texts(data, Columns(text_column, pair_column), limit)
        record = _check(load_classifier(checkpoint), texts, names, seed)
        write(target, content_of(record))
        print_text("\n".join([*_lines(record), str(target)]))


def _check(
    classifier: "Classifier", texts: "Texts", methods: Sequence[str], seed: int
) -> "SanityRecord":
    """All checks, with a bar where somebody watches; none in a log file."""
    from tqdm import tqdm

    from viz.faithfulness.sanity import expected_passes
    from viz.faithfulness.sanity import sanity as check

    readings = list(read_rows(classifier, texts))
    total = round(expected_passes(classifier, readings, methods))
    with tqdm(total=total, unit="pass", unit_scale=True, leave=False, disable=None) as bar:

        def progress(passes: float) -> None:
            bar.update(passes)

        record = check(classifier, readings, methods, seed=seed, progress=progress)
    if record.n_texts < len(texts.rows):
        left_out = number_of(len(texts.rows) - record.n_texts, "text")
        typer.echo(f"Too short to check: {left_out}.", err=True)
    return record.with_data(texts.name, texts.fingerprint)


def _lines(record: "SanityRecord") -> list[str]:
    """One line a method: what is wrong with it, or that nothing is."""
    from viz.attribution.descriptions import number

    lines = [
        f"Random weights in {number_of(record.n_texts, 'text')}; chance reaches "
        f"{record.chance:.2f}, and stays below {record.limit:.2f} in 95% of draws:"
    ]
    for each in record.methods:
        after = each.cascade[-1] if each.cascade else None
        reached = "no order" if after is None else number(after)
        verdict = "; ".join(record.flags(each)) or "reacts"
        lines.append(f"{each.method}: {each.refused or f'{reached}, {verdict}'}")
    return lines
