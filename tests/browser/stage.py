"""A page that holds one picture, the heat map or the arcs, as an exported page would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from playwright.sync_api import ConsoleMessage, Locator, Page

from viz.attention.views import AttentionView
from viz.attention.words import Span
from viz.colors import PALETTES, Theme
from viz.widgets.arcs import payload as arcs
from viz.widgets.heatmap import payload as heatmap
from viz.widgets.shared.widget import Widget

LABELS = ("[CLS]", "<b>x</b>", "oil", "prices", "النفط", "油", "🇩🇪", "[SEP]")
MOUNT = """
([html, style, script, data]) => {
  const host = document.querySelector("#host");
  const shadow = host.attachShadow({ mode: "open" });
  shadow.innerHTML = html;
  const sheet = document.createElement("style");
  sheet.textContent = style;
  shadow.prepend(sheet);
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  window.closings = 0;
  window.addEventListener("clsight:closed", () => (window.closings += 1));
  return import(url).then((module) => {
    window.sent = [];
    const setStateValue = (...sent) => window.sent.push(sent);
    const send = { setStateValue, setTriggerValue: setStateValue };
    window.show = (data) => module.default({ data: [data], parentElement: shadow, ...send });
    window.end = window.show(data);
  });
}
"""


def view_of(
    n_heads: int = 1, *, labels: tuple[str, ...] = LABELS, signed: bool = False, seed: int = 0
) -> AttentionView:
    """Made-up weights, all different."""
    n = len(labels)
    weights = np.random.default_rng(seed).dirichlet(np.full(n, 0.3), (1, n_heads, n))
    if signed:
        weights = weights - 1 / n
    spans = tuple(
        Span(label, 0, 0, (index,), label.startswith("["), None)
        for index, label in enumerate(labels)
    )
    removed = np.zeros((1, n_heads, n), np.float32)
    return AttentionView(spans, weights.astype(np.float32), removed, spans, signed)


@dataclass
class Stage:
    """A page that holds one picture as an exported page would, and forgives no error."""

    page: Page
    problems: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def on(cls, page: Page) -> Iterator["Stage"]:
        """An empty page; fails at the end where the browser had anything to complain of."""
        stage = cls(page)
        page.on("pageerror", lambda error: stage.problems.append(str(error)))
        page.on("console", stage._note)
        yield stage
        assert stage.problems == []

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    def hold(self, widget: Widget, data: dict[str, object], theme: Theme = "light") -> None:
        """Mount a picture and wait until it was painted."""
        self.mount(widget, data, theme)
        self.painted(widget)

    def mount(self, widget: Widget, data: dict[str, object], theme: Theme = "light") -> None:
        """Mount a widget; what it sends is noted in `window.sent`."""
        palette = PALETTES[theme]
        colors = {
            "background": palette.ground,
            "text": palette.ink,
            "primary": palette.accent,
            "border": palette.line,
        }
        style = "".join(f"--st-{name}-color: {color};" for name, color in colors.items())
        self.page.set_content(
            f'<body style="background: {palette.ground}; {style} --st-font: sans-serif">'
            '<button id="other">other</button><div id="host"></div>'
        )
        self.page.evaluate(MOUNT, [widget.html, widget.style, widget.script, data])

    def painted(self, widget: Widget, times: int = 1) -> float:
        """Wait until a picture was painted so often; milliseconds from data to paint, last time."""
        script = f"performance.getEntriesByName('clsight:{widget.name}')"
        self.page.wait_for_function(f"{script}.length >= {times}")
        return float(self.page.evaluate(f"{script}.at(-1).duration"))

    def heatmap(self, view: AttentionView, theme: Theme = "light") -> Locator:
        """Hold a heat map; return its canvas."""
        self.hold(heatmap.HEATMAP, heatmap.payload(view, title="L3 · H7"), theme)
        return self.page.get_by_test_id("heatmap")

    def arcs(self, view: AttentionView, *chosen: int) -> None:
        """Hold the arcs of a layer whose last map is a mean."""
        names = [*(f"H{head}" for head in range(view.weights.shape[1] - 1)), "mean"]
        self.hold(arcs.ARCS, arcs.payload(view, names=names, selected=chosen or [0], title="L3"))

    def token(self, side: str, index: int) -> Locator:
        return self.page.get_by_test_id(f"arcs-{side}").nth(index)

    def chip(self, name: str) -> Locator:
        return self.page.get_by_test_id("arcs-heads").get_by_role("button", name=name, exact=True)
