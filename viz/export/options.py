"""What is made of a reading: which figures, in which formats, drawn how; and its files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from viz.documents.document import Document
from viz.errors import LongTextError, SelectionError
from viz.export.archive import archive
from viz.export.filenames import archive_name, file_name
from viz.export.formats import Content, content_of
from viz.export.request import FigureRequest
from viz.figures.render_options import RenderOptions
from viz.model.classifier import Classifier
from viz.types import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """What is made of each reading."""

    request: FigureRequest
    formats: Sequence[str] = ("png",)
    """Names in `FORMATS`."""
    render_options: RenderOptions = field(default_factory=RenderOptions)
    packed: bool = False
    """Whether the files of a reading go into one ZIP."""

    def files(
        self,
        classifier: Classifier,
        reading: Reading | Document,
        refusals: list[str] | None = None,
    ) -> Iterator[tuple[str, Content]]:
        """The name and content of each file of a reading, or of a document.

        What is too large to hold comes as what writes it.

        Args:
            classifier: The classifier that made the reading.
            reading: What the figures show.
            refusals: Where given, it takes a sentence for each file that its format can't hold,
                and the others are made all the same.

        Raises:
            LongTextError: where a text has too many numbers for a file.
            SelectionError: where a file can't be made, or the request doesn't fit the reading.
            MethodError: where the architecture doesn't allow the method.
        """
        specs = self.request.specs(classifier, reading)
        if self.packed:
            yield archive_name(specs), archive(specs, self.formats, self.render_options)
            return
        for spec in specs:
            for format in self.formats:
                try:
                    content = content_of(spec, format, self.render_options)
                except (SelectionError, LongTextError) as error:
                    if refusals is None:
                        raise
                    refusals.append(f"{format}: {error}")
                    continue
                yield file_name(spec, format), content
