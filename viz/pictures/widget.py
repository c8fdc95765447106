"""What a browser needs to draw one kind of picture: markup, script and style."""

from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Widget:
    """One kind of picture; its files carry its name and lie beside this one."""

    name: str
    html: str
    """The markup that the script finds in its element."""
    parts: tuple[str, ...] = ()
    """Scripts that go before its own, after `page.js`, which all share."""

    @property
    def script(self) -> str:
        """One module that exports a function of a component."""
        return "".join(read(f"{part}.js") for part in ("page", *self.parts, self.name))

    @property
    def style(self) -> str:
        """Its style, after the one that all share."""
        return read("page.css") + read(f"{self.name}.css")


def read(file: str) -> str:
    """The text of a file that lies beside this one."""
    return files("viz.pictures").joinpath(file).read_text(encoding="utf-8")
