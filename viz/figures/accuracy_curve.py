"""Accuracy as heads go, as a picture for paper."""

from matplotlib.path import Path

from finetune.errors import number_of
from viz.colors import LIGHT, rgb
from viz.figures.canvas import DETAILS, HEADING, MARGIN, NOTE, Canvas
from viz.figures.render_options import RenderOptions
from viz.mechanism.ablation.curve import AccuracyCurve

WIDTH, HEIGHT = 360, 260
LEFT, TOP, BOTTOM = 52, 62, 46
"""Points that labels and headings take."""
THICK, THIN = 1.6, 0.7


def draw_curve(curve: AccuracyCurve, options: RenderOptions | None = None) -> Canvas:
    """The curve in the order of importance with its 95% intervals, and each random order thin."""
    canvas = Canvas(WIDTH, HEIGHT, (options or RenderOptions()).dpi)
    right, bottom = WIDTH - MARGIN, HEIGHT - BOTTOM
    most = int(curve.counts[-1]) or 1

    def place(count: float, share: float) -> tuple[float, float]:
        return LEFT + count / most * (right - LEFT), bottom - share * (bottom - TOP)

    canvas.text(MARGIN, MARGIN + HEADING.size, "Accuracy as heads go", HEADING)
    canvas.text(
        MARGIN,
        MARGIN + HEADING.size + 14,
        f"least important first (thick, 95% intervals), {len(curve.random)} random orders (thin); "
        f"{number_of(curve.n_rows, 'text')}",
        NOTE,
    )
    for share in (0, 0.25, 0.5, 0.75, 1):
        canvas.lines([[place(0, share), place(most, share)]], LIGHT.line)
        x, y = place(0, share)
        canvas.text(x - 6, y + 3, f"{share:.0%}", NOTE, align="right")
    for count in curve.counts.tolist():
        x, y = place(count, 0)
        canvas.text(x, y + 14, str(count), NOTE, align="center")
    canvas.text((LEFT + right) / 2, bottom + 32, "heads off", DETAILS, align="center")

    def path(shares: list[float]) -> Path:
        return Path([place(*point) for point in zip(curve.counts.tolist(), shares, strict=True)])

    muted, accent = (
        (*(part / 255 for part in rgb(color)), 1.0) for color in (LIGHT.muted, LIGHT.accent)
    )
    thin = [path(shares) for shares in curve.random_accuracy.tolist()]
    whiskers = [
        Path([place(count, low), place(count, high)])
        for count, (low, high) in zip(curve.counts.tolist(), curve.interval.tolist(), strict=True)
    ]
    canvas.curves(
        [*thin, *whiskers, path(curve.accuracy.tolist())],
        [*(muted for _ in thin), *(accent for _ in whiskers), accent],
        [*(THIN for _ in thin), *(THIN for _ in whiskers), THICK],
    )
    return canvas
