"""`clsight heads --curve`: how accuracy falls as heads go."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from finetune.errors import number_of
from viz.cli.terminal import load_classifier, print_text

if TYPE_CHECKING:  # at run time they are imported where used, so that --help is quick
    from finetune.run.column_names import ColumnNames
    from viz.data.rows.audit_rows import AuditRows
    from viz.mechanism.ablation.measurement import FileCurve, Measure
    from viz.model.classifier import Classifier

PICTURES = (".png", ".svg", ".pdf")
"""What the curve can be written as, besides tables."""


def show_curve(
    checkpoint: str | None,
    data: Path,
    columns: "ColumnNames",
    *,
    sizes: tuple[int, int],
    measure: "Measure",
    output: Path | None,
) -> None:
    """Measure the curve, print its points, and write it where a file is named.

    Args:
        checkpoint: What reads the texts; the shipped one where None.
        data: The labeled file.
        columns: Those that were named.
        sizes: Texts that order the heads, and texts that are counted, at most.
        measure: By what heads are ordered.
        output: The file to write.
    """
    from viz.data.rows.audit_rows import open_rows
    from viz.export.accuracy_curve import curve_sentence
    from viz.export.atomic_files import write
    from viz.model.row_windows import reading_note

    classifier = load_classifier(checkpoint)
    rows = open_rows(data, classifier, columns)
    for note in (*rows.notes, reading_note(classifier, pairs=rows.pairs is not None)):
        if note is not None:
            typer.echo(note, err=True)
    measured = _measure(classifier, rows, sizes, measure)
    print_text("\n".join([*_lines(measured), curve_sentence(measured)]))
    if output is not None:
        content = _content(classifier, rows, measured, output.suffix.lower())
        print_text(str(write(output, content)))


def _measure(
    classifier: "Classifier", rows: "AuditRows", sizes: tuple[int, int], measure: "Measure"
) -> "FileCurve":
    from tqdm import tqdm

    from viz.mechanism.ablation.measurement import expected_passes, file_curve

    n_ordered, n_counted = sizes
    total = expected_passes(
        classifier, len(rows), measure=measure, n_ordered=n_ordered, n_counted=n_counted
    )
    with tqdm(total=total, unit="pass", unit_scale=True, leave=False, disable=None) as bar:

        def progress(passes: float) -> None:
            bar.update(passes)

        return file_curve(
            classifier,
            rows.texts,
            rows.pairs,
            rows.gold,
            measure=measure,
            n_ordered=n_ordered,
            n_counted=n_counted,
            progress=progress,
        )


def _lines(measured: "FileCurve") -> list[str]:
    """A heading, and one line a point."""
    curve = measured.curve
    lines = [
        f"Heads ordered by {measured.measure} on {number_of(measured.n_ordered, 'text')}, "
        f"{curve.n_rows:,} others counted; off: accuracy (95% interval), random orders"
    ]
    for point, count in enumerate(curve.counts.tolist()):
        low, high = curve.interval[point]
        random = curve.random_accuracy[:, point]
        lines.append(
            f"{count:>4}: {curve.accuracy[point]:.1%} ({low:.1%} to {high:.1%}), "
            f"{random.mean():.1%} ({random.min():.1%} to {random.max():.1%})"
        )
    return lines


def _content(
    classifier: "Classifier", rows: "AuditRows", measured: "FileCurve", kind: str
) -> bytes:
    from viz.export.accuracy_curve import curve_csv, curve_json, curve_sentence

    if kind == ".csv":
        return curve_csv(measured)
    if kind == ".json":
        return curve_json(
            measured,
            {
                "checkpoint": classifier.name,
                "fingerprint": classifier.fingerprint,
                "data": rows.name,
                "data_fingerprint": rows.fingerprint,
            },
        )
    from viz.figures.accuracy_curve import draw_curve
    from viz.figures.file_formats import pdf_file, png_file, svg_file

    save = {".png": png_file, ".svg": svg_file, ".pdf": pdf_file}[kind]
    return save(
        draw_curve(measured.curve).figure,
        title=f"Accuracy as heads go: {classifier.name}",
        description=f"{curve_sentence(measured)} {rows.name}.",
    )
