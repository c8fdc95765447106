"""BertViz's own head view and model view of a reading, as one HTML file that needs no network.

BertViz (Jesse Vig, Apache-2.0) is a template of JavaScript around JSON; it sends the JSON twice and
loads require.js, d3 and jQuery from a content delivery network.  Here its script is taken as it is
installed, the JSON goes out once, the libraries come from installed packages (d3 from mpld3, jQuery
from XStatic-jQuery), and `bertviz.js` stands in for require.js.
"""

import json
from collections.abc import Sequence
from html import escape
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from viz.colors import PALETTES, Theme
from viz.export.bertviz.parameters import View, parameters, start_of_second
from viz.figures.citation import citation
from viz.figures.spec import FigureSpec
from viz.types import Reading

HINTS: dict[View, str] = {
    "head": "One layer at a time, a color for each head. Click a color to show or hide its head, "
    "double-click to see it alone; point at a token to see only its lines.",
    "model": "Rows are layers, columns are heads. Click a picture to enlarge it; point at a token "
    "on its left to see only its lines.",
}

MASKED = " Where a causal mask or a window forbids to look, there can be no line."

PAGE = """<!doctype html>
<html lang="en" style="{colors}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="{theme}">
<main id="bertviz" class="{view}" style="--heads:{n_heads}">
<div class="controls">{controls}</div>
<div id="vis" style="{drawing}"></div>
</main>
<footer>
<p>{hint} The stronger a line, the larger the weight.</p>
<p>{caption}</p>
<p>Drawn by <a href="https://github.com/jessevig/bertviz">BertViz</a> {version} (Jesse Vig, \
Apache-2.0), with d3 and jQuery.</p>
<details><summary>BertViz's license</summary><pre>{license}</pre></details>
</footer>
<script>{jquery}</script>
<script>{d3}</script>
<script type="application/json" id="parameters">{parameters}</script>
<script>{loader}</script>
<script>{script}</script>
</body>
</html>
"""


def bertviz_html(
    reading: Reading,
    *,
    view: View = "head",
    layers: Sequence[int] | None = None,
    heads: Sequence[int] | None = None,
    theme: Theme = "light",
) -> bytes:
    """A stand-alone page with BertViz's view of a reading.

    Args:
        reading: What is shown, wordpiece by wordpiece.
        view: All heads of one layer in colors, or a small picture of each head of each layer.
        layers: The layers that the page holds; None for all.
        heads: The heads drawn; in the head view those switched on at first.  None for all.
        theme: The ground that it stands on.

    Raises:
        SelectionError: for a layer, head or view that does not exist, or where a browser would
            freeze.
    """
    values = parameters(reading, view=view, layers=layers, heads=heads, theme=theme)
    cited = citation(FigureSpec(reading, "atlas", unit="wordpiece"))
    return PAGE.format(
        theme=theme,
        colors=_colors(theme),
        drawing=_colors("light" if view == "head" else theme),
        n_heads=reading.attention.n_heads,
        title=escape(f"BertViz {view} view · {reading.checkpoint}"),
        style=_own("bertviz.css"),
        view=view,
        controls=_controls(reading, view),
        hint=HINTS[view] + (MASKED if reading.attention.impossible is not None else ""),
        caption=escape(cited.sentence()),
        version=distribution("bertviz").version,
        license=escape(_license()),
        jquery=_installed("XStatic-jQuery", "xstatic/pkg/jquery/data/jquery.min.js"),
        d3=_installed("mpld3", "mpld3/js/d3.v5.min.js"),
        # JSON may hold "</script>" in a token; a "<" it spells otherwise ends no block.
        parameters=json.dumps(values, separators=(",", ":")).replace("<", "\\u003c"),
        loader=_own("bertviz.js"),
        script=_installed("bertviz", f"bertviz/{view}_view.js").replace(
            "PYTHON_PARAMS", "parameters"
        ),
    ).encode("utf-8")


def _controls(reading: Reading, view: View) -> str:
    """The fields that BertViz's script fills in or listens to."""
    layer = '<label>Layer<select id="layer"></select></label>' if view == "head" else ""
    if start_of_second(reading) is None:
        return layer
    names = ("All", "A → A", "B → B", "A → B", "B → A")
    options = "".join(f'<option value="{at}">{name}</option>' for at, name in enumerate(names))
    return layer + f'<label>Attention<select id="filter">{options}</select></label>'


def _colors(theme: Theme) -> str:
    palette = PALETTES[theme]
    names = ("ground", "ink", "muted", "line", "accent")
    return f"color-scheme:{theme};" + "".join(f"--{n}:{getattr(palette, n)};" for n in names)


def _own(name: str) -> str:
    return files("viz.export.bertviz").joinpath(name).read_text(encoding="utf-8")


def _installed(package: str, path: str) -> str:
    """A file of an installed package, which need not be imported for it: that takes seconds."""
    return Path(str(distribution(package).locate_file(path))).read_text(encoding="utf-8")


def _license() -> str:
    listed = distribution("bertviz").files or []
    return next(file.read_text(encoding="utf-8") for file in listed if file.name == "LICENSE")
