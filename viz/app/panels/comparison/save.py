"""A comparison to save: drawn on the server, only on request."""

from viz.app.comparisons import ComparisonRequest
from viz.widgets.atlas.component import Selection


def offer(request: ComparisonRequest, selection: Selection | None) -> None:
    """Offer the figures of a comparison in the format that the reader chooses."""
