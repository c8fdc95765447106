"""What a browser needs to draw one kind of picture: markup, script and style."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Widget:
    """One kind of picture."""

    name: str
    source: str
    """Where its script and its style lie below `viz/widgets`, without their suffixes."""
    html: str
    """The markup that the script finds in its element."""
    parts: tuple[str, ...] = ()
    """Scripts that go before its own, after `page.js`, which all share."""

    @property
    def script(self) -> str:
        """One module that exports a function of a component."""
        return "".join(read(f"{part}.js") for part in ("shared/page", *self.parts, self.source))

    @property
    def style(self) -> str:
        """Its style, after the one that all share."""
        return read("shared/page.css") + read(f"{self.source}.css")


def read(file: str) -> str:
    """The text of a file below `viz/widgets`."""
    return files("viz.widgets").joinpath(file).read_text(encoding="utf-8")
