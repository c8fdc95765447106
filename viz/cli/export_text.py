"""The export of one text: every wanted file, its path printed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from viz.cli.asked import ExportArguments
from viz.cli.terminal import fonts, given, load, notes, say

if TYPE_CHECKING:
    from viz.model.classifier import Classifier
    from viz.types import Reading

Files = Iterator[tuple[str, bytes]]


def export_text(asked: ExportArguments) -> None:
    """Read the text, write its files and print where they are; then what a reader must know."""
    from viz.export.atomic_files import write

    classifier = load(asked.checkpoint)
    reading = classifier.read(given(asked.text or ""), asked.pair)
    for name, content in _files(asked, classifier, reading):
        say(str(write(asked.output / name, content)))
    notes(reading.encoding)
    if asked.draws:
        fonts(reading)


def _files(asked: ExportArguments, classifier: "Classifier", reading: "Reading") -> Files:
    """The name and content of each file."""
    if asked.bertviz is not None:
        yield _bertviz(reading, asked.bertviz)
        return
    specs = asked.request().specs(classifier, reading)
    if asked.everything:
        from viz.export.archive import archive
        from viz.export.filenames import archive_name

        yield archive_name(specs), archive(specs, asked.formats, asked.render_options)
        return
    from viz.export.filenames import file_name
    from viz.export.formats import render

    for spec in specs:
        for format in asked.formats:
            yield file_name(spec, format), render(spec, format, asked.render_options)


def _bertviz(reading: "Reading", view: Literal["head", "model"]) -> tuple[str, bytes]:
    from viz.export.bertviz.page import bertviz_html
    from viz.export.filenames import reading_name

    return reading_name(reading, f"bertviz-{view}", "html"), bertviz_html(reading, view=view)
