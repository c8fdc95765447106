"""The atlas against BertViz's model view, and how it grows with the text.

    python -m tests.benchmarks.atlas [--output report.json]

Both show the same 12 x 12 heads in the same Chromium.  BertViz's page is the one that it makes
itself; what it asks of its content delivery network is answered on the spot from the installed
packages, so that its drawing is timed and no network.  Bytes are those of the whole page; what
BertViz loads beside it is not counted against it.  A page is painted when its last line, or the
canvas, is there and two animation frames have passed.
"""

import base64
import json
import statistics
import tempfile
import warnings
from collections.abc import Iterator
from importlib.metadata import distribution, version
from pathlib import Path

import bertviz
import torch
from playwright.sync_api import Browser, Route

from tests.benchmarks.browser import median_to_painted, new_page, seconds_to_painted
from tests.benchmarks.noise import reading
from tests.benchmarks.result import Result, timed
from viz.attention.statistics import head_statistics
from viz.attention.views import view
from viz.types import Reading
from viz.widgets.atlas.payload import ATLAS, payload

PEER = f"bertviz {version('bertviz')} model view"
AGAINST = (32, 128)
GROWTH = (32, 64, 128, 256, 512)
ROUNDS = 5
PAINTED = "() => document.querySelector('canvas')?.dataset.cells"

PAGE = """<!doctype html><meta charset="utf-8"><style>body {{ margin: 20px; width: 620px }}
{style}</style><div id="atlas">{html}</div><script type="module">
const {{ default: draw }} = await import("data:text/javascript;base64,{script}");
draw({{ parentElement: document.getElementById("atlas"), data: [{data}], setStateValue() {{}} }});
</script>"""

# Stands for require.js; the libraries that BertViz then asks for are loaded already.
REQUIRE = """window.require = {config() {}};
window.requirejs = (names, run) => run(jQuery, d3);"""
LIBRARIES = (
    ("XStatic-jQuery", "xstatic/pkg/jquery/data/jquery.min.js"),
    ("mpld3", "mpld3/js/d3.v5.min.js"),
)


def measure(browser: Browser) -> Iterator[Result]:
    """All results, one by one."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        for n_tokens in AGAINST:
            yield from _against(browser, file, n_tokens)
        for n_tokens in GROWTH:
            yield from _growth(browser, file, n_tokens)


def _against(browser: Browser, file: Path, n_tokens: int) -> Iterator[Result]:
    goals = (100.0, 25.0) if n_tokens == 128 else (None, None)
    shown = reading(n_tokens)
    page = atlas_page(shown)
    file.write_bytes(page)
    ours = median_to_painted(browser, file, PAINTED, ROUNDS)
    theirs = bertviz_page(shown)
    file.write_bytes(theirs)
    painted = _bertviz_painted(browser, file, shown)
    size = f"12 × 12 heads, {n_tokens} tokens"
    yield Result(f"page, {size}", len(page) / 1e6, "MB", len(theirs) / 1e6, PEER, at_least=goals[0])
    yield Result(f"time to painted, {size}", ours, "s", painted, PEER, at_least=goals[1])


def _growth(browser: Browser, file: Path, n_tokens: int) -> Iterator[Result]:
    shown = reading(n_tokens)
    file.write_bytes(atlas_page(shown))
    made = statistics.median(timed(lambda: atlas_data(shown))[0] for _ in range(3))
    painted = median_to_painted(browser, file, PAINTED, ROUNDS)
    size = f"{n_tokens} tokens"
    goal = 2.0 if n_tokens == 512 else None
    yield Result(f"atlas payload, {size}", len(atlas_data(shown)) / 1e6, "MB", at_most=goal)
    yield Result(f"atlas payload made, {size}", made, "s")
    yield Result(f"atlas painted, {size}", painted, "s")


def atlas_data(shown: Reading) -> str:
    """What the app sends for its atlas, as JSON; all that depends on how the atlas is built."""
    weights = shown.attention.weights
    seen = view(shown.encoding, weights, unit="wordpiece")
    return json.dumps(payload(seen, head_statistics(shown.encoding, weights)))


def atlas_page(shown: Reading) -> bytes:
    """A bare page around the atlas."""
    script = base64.b64encode(ATLAS.script.encode("utf-8")).decode("ascii")
    page = PAGE.format(style=ATLAS.style, html=ATLAS.html, script=script, data=atlas_data(shown))
    return page.encode("utf-8")


def bertviz_page(shown: Reading) -> bytes:
    """BertViz's model view as it makes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # BertViz leaves its files open
        page: str = bertviz.model_view(
            attention=[torch.tensor(layer)[None] for layer in shown.attention.weights],
            tokens=[token.text for token in shown.encoding.tokens],
            html_action="return",
        ).data
    return b'<meta charset="utf-8">' + page.encode("utf-8")


def _bertviz_painted(browser: Browser, file: Path, shown: Reading) -> float:
    def answer(route: Route) -> None:
        if "require" not in route.request.url:
            raise ValueError(f"BertViz asks for {route.request.url}, which nobody here answers")
        route.fulfill(body="\n".join([*_libraries(), REQUIRE]), content_type="text/javascript")

    lines = shown.attention.weights.size
    page = new_page(browser)
    page.route("https://**/*", answer)
    drawn = f"() => document.getElementsByTagName('line').length === {lines}"
    seconds = seconds_to_painted(page, file, drawn)
    page.close()
    return seconds


def _libraries() -> list[str]:
    found = (Path(str(distribution(name).locate_file(path))) for name, path in LIBRARIES)
    return [file.read_text(encoding="utf-8") for file in found]


if __name__ == "__main__":
    from tests.benchmarks.__main__ import main

    main(("atlas",))
