"""What installed packages bring: methods, figures and file formats, named as entry points."""

import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any


def load_plugins(group: str, kind: type, register: Callable[[Any], object]) -> None:
    """Register what installed packages name among the entry points of a group.

    One that fails is left out with a warning, so that it doesn't keep all others from working.

    Args:
        group: The name of the group, such as `clsight.methods`.
        kind: What is registered; an entry point may also be a module, which registers by itself.
        register: Called with each object of this kind.
    """
    for plugin in entry_points(group=group):
        try:
            loaded = plugin.load()
            if isinstance(loaded, kind):
                register(loaded)
        except Exception as error:  # code of others can fail in any way
            warnings.warn(
                f"{plugin.name!r} ({plugin.value}) of {group} is left out: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
