"""What a browser needs to draw one kind of picture: markup, script and style."""

from dataclasses import dataclass

from viz.widgets.shared.modules import bundle, read


@dataclass(frozen=True, slots=True)
class Widget:
    """One kind of picture."""

    name: str
    source: str
    """Where its script and its style lie below `viz/widgets`, without their suffixes."""
    html: str
    """The markup that the script finds in its element."""

    @property
    def script(self) -> str:
        """One module that exports a function of a component."""
        return bundle(f"{self.source}.js")

    @property
    def style(self) -> str:
        """Its style, after the one that all share."""
        return read("shared/page.css") + read(f"{self.source}.css")
