"""What is drawn of the maps of a figure, and how large."""

from viz.attention.views import AttentionView
from viz.figures import long_maps
from viz.figures.grid import SMALLEST_CELL, CellGrid, fit_grid
from viz.figures.long_maps import PooledView
from viz.figures.render_options import RenderOptions
from viz.figures.spec import FigureSpec


def fitted_view(
    spec: FigureSpec,
    options: RenderOptions,
    *,
    usual: float,
    largest: float,
    smallest: float = SMALLEST_CELL,
) -> tuple[AttentionView, CellGrid]:
    """The view of a figure and its grid; of a long text, pooled to the dots that there are for it.

    Args:
        spec: What is shown.
        options: How it is drawn.
        usual: Points of the map, see `fit_grid`.
        largest: Points of it at most.
        smallest: Points of a cell.

    Raises:
        SelectionError: where there is nothing to show.
    """

    def grid_of(n_rows: int, n_columns: int) -> CellGrid:
        return fit_grid(n_rows, n_columns, usual=usual, largest=largest, smallest=smallest)

    long = spec.long_view
    if long is None or spec.has_view():
        shown = spec.view()
        return shown, grid_of(*shown.weights.shape[2:])
    part = spec.part_of(long)
    grid = grid_of(*(side.stop - side.start for side in part))
    dots = grid.dots(options)
    if spec.shows == "model":
        return long_maps.pooled_model(long, *dots), grid
    if spec.shows == "layer":
        return long_maps.pooled_layer(long, spec.layer, part, dots), grid
    return long_maps.pooled_map(long, spec.layer, spec.head, part, dots), grid


def dot_notes(shown: AttentionView, grid: CellGrid) -> list[str]:
    """What a reader must know of a map with more numbers than dots."""
    if isinstance(shown, PooledView):
        return [shown.note] if shown.note else []
    return grid.notes
