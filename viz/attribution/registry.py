"""Every attribution method by name, and how one is added: `register_method`."""

from collections.abc import Mapping
from types import MappingProxyType

from viz.attribution.method import Method
from viz.errors import MethodError
from viz.model.classifier import Classifier
from viz.model.plugins import load_plugins

PLUGINS = "clsight.methods"
"""The entry points by which installed packages bring methods of their own."""

_methods: dict[str, Method] = {}
METHODS: Mapping[str, Method] = MappingProxyType(_methods)
"""Every method by name, in the order in which it was registered; the first is the default."""


def register_method(method: Method) -> Method:
    """Offer a method wherever methods are offered: in Python, on the page and in commands.

    Args:
        method: What to offer; its name and label must be new.

    Returns:
        The same method.

    Raises:
        MethodError: if it is not a `Method`, or its name or label is taken.
    """
    if not isinstance(method, Method):
        raise MethodError(
            f"A method is a viz.attribution.Method, not {type(method).__name__}; make one first."
        )
    for other in _methods.values():
        if other.name == method.name:
            raise MethodError(f"There is a method {method.name!r} already; take another name.")
        if other.label.casefold() == method.label.casefold():
            raise MethodError(
                f"{method.label!r} is the label of the method {other.name!r}; take another label."
            )
    _methods[method.name] = method
    return method


def load_methods() -> None:
    """Register the methods of installed packages, which they name under `clsight.methods`."""
    load_plugins(PLUGINS, Method, _register_once)


def _register_once(method: Method) -> None:
    # A module may have registered it while it was imported.
    if METHODS.get(method.name) is not method:
        register_method(method)


def find_method(method: str | Method) -> Method:
    """The method of a name; a method is taken as it is.

    Raises:
        MethodError: for an unknown name, or a method with the name of another one.
    """
    if isinstance(method, Method):
        if METHODS.get(method.name, method) is not method:
            raise MethodError(f"There is another method {method.name!r}; take another name.")
        return method
    if method not in METHODS:
        raise MethodError(f"Unknown method {method!r}; known are {', '.join(METHODS)}.")
    return METHODS[method]


def available_methods(classifier: Classifier) -> list[str]:
    """The methods that a classifier allows, in the order of `METHODS`; a text may refuse more."""
    return [name for name, method in METHODS.items() if method.refusal(classifier) is None]


def default_methods(classifier: Classifier) -> list[str]:
    """Methods to explain with where nobody named one, each for when those before it are refused.

    Those that a classifier allows and no reader has to wait for, and at last `occlusion`, which
    asks for nothing but logits.
    """
    quick = [
        name
        for name in available_methods(classifier)
        if not METHODS[name].costly and not METHODS[name].control
    ]
    return [*quick, "occlusion"]
