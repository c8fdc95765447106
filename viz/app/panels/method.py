"""By which method, with which settings: quick methods first, then by what they cost."""

from collections.abc import Sequence

import streamlit as st

from viz.app import checkpoints, keys, link
from viz.app.markdown import plain
from viz.attribution import METHODS, Method, Option, available_methods, default_methods
from viz.attribution.method_spec import MethodSpec
from viz.errors import VizError
from viz.model.classifier import Classifier

SEVERAL = 5.0
"""Passes from which a method's cost for a text of 40 words stands beside its name."""
DEFAULT = "method-default"
"""Where the default of the checkpoint that was last seen is kept."""
FEW = 6
"""Choices that fit side by side."""

Chosen = tuple[str, tuple[tuple[str, str | int], ...]]
"""A method by its name, and the value of each of its options."""


def choose_method(source: str, *, by_window: bool = False) -> Chosen:
    """Let the reader pick a method; return its name and the value of each of its options.

    Args:
        source: The checkpoint, which may have a default of its own.
        by_window: Whether the method has to explain windows of a text one by one.
    """
    classifier = checkpoints.classifier(source)
    names, default = ordered(classifier), preferred(source)
    if by_window:
        names = [name for name in names if METHODS[name].by_window]
        default = default if default[0] in names else _entry(names[0], classifier)
    _restore_from_link(names, classifier)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        method = METHODS[_choose_name(names, default, classifier)]
        offered = method.options_of(classifier)
        return method.name, _choose_options(method, offered, classifier) if offered else ()


def ordered(classifier: Classifier) -> list[str]:
    """The methods a classifier allows: the quick ones as registered, the others by their cost."""
    return sorted(
        available_methods(classifier),
        key=lambda name: METHODS[name].cost if _is_dear(METHODS[name]) else 0.0,
    )


def preferred(source: str) -> Chosen:
    """The default method: the most faithful quick one for a checkpoint where that was measured.

    Else the first that the checkpoint allows.
    """
    classifier = checkpoints.classifier(source)
    first = _entry(default_methods(classifier)[0], classifier)
    try:
        record = checkpoints.faithfulness_record(source)
        if record is None or record.fingerprint != classifier.fingerprint:
            return first
        best = _entry(record.best_method() or first[0], classifier)
    except VizError:
        return first
    return best if METHODS[best[0]].refusal(classifier) is None else first


def _entry(written: str, classifier: Classifier) -> Chosen:
    spec = MethodSpec.parse(written, classifier=classifier)
    return spec.method.name, tuple(spec.options.items())


def named(name: str, classifier: Classifier) -> str:
    """What a method is called where it is picked, with its cost where that matters."""
    method = METHODS[name]
    label = method.label_of(classifier)
    return f"{label} · {method.cost:.0f}×" if _is_dear(method) else label


def _is_dear(method: Method) -> bool:
    return method.cost >= SEVERAL


def _choose_name(names: Sequence[str], default: Chosen, classifier: Classifier) -> str:
    if st.session_state.get(keys.METHOD, names[0]) not in names:
        # It was chosen for another checkpoint, which allows it.
        del st.session_state[keys.METHOD]
        st.session_state.pop(DEFAULT, None)
    _follow_default(default)
    chosen = st.selectbox(
        "Method",
        names,
        format_func=lambda name: named(name, classifier),
        key=keys.METHOD,
        persist_state="session",
        help="Most methods answer right away. A number beside the name says about how often a text "
        "of 40 words is read; that happens in the background.",
    )
    link.keep_choice(keys.METHOD, chosen, default[0])
    return chosen


def _restore_from_link(names: Sequence[str], classifier: Classifier) -> None:
    """Take the method from the link, by its name or its label, where the link decides.

    Where the classifier refuses it, say so: the page uses the default.
    """
    linked = st.query_params.get(keys.METHOD)
    if not link.decides(keys.METHOD):
        return
    if linked is None:  # the page begins with the best one
        for key in (keys.METHOD, DEFAULT):
            st.session_state.pop(key, None)
        return
    labels = {name: method.label_of(classifier) for name, method in METHODS.items()}
    name = next((name for name, label in labels.items() if linked in (name, label)), None)
    if name in names:
        st.session_state[keys.METHOD] = name
    elif name is not None:
        st.toast(plain(f"{labels[name]}: {METHODS[name].refusal(classifier)}"))


def _follow_default(default: Chosen) -> None:
    """Start with the default; take that of another checkpoint where the reader chose no other.

    It comes with the options that it was measured with.
    """
    name, options = default
    before: Chosen | None = st.session_state.get(DEFAULT)
    chosen = st.session_state.get(keys.METHOD)
    if before != default and chosen in (None, before and before[0]):
        st.session_state[keys.METHOD] = name
        for option, value in options:
            st.session_state[_key(name, option)] = value
    st.session_state[DEFAULT] = default


def _key(method: str, option: str) -> str:
    return f"option-{method}-{option}"


def _choose_options(
    method: Method, offered: Sequence[Option], classifier: Classifier
) -> tuple[tuple[str, str | int], ...]:
    """A control for each option, out of sight until asked for."""
    with st.popover("Settings"):
        st.markdown(f"**{method.label_of(classifier)}**")
        return tuple((option.name, _choose_option(method, option)) for option in offered)


def _choose_option(method: Method, option: Option) -> str | int:
    key = _key(method.name, option.name)
    st.session_state.setdefault(key, option.default)
    if option.choices and st.session_state[key] not in option.choices:
        st.session_state[key] = option.default  # it was chosen for another checkpoint, which has it
    if not option.choices:
        number = st.number_input(
            option.label,
            min_value=option.minimum,
            max_value=option.maximum,
            step=1,
            key=key,
            help=option.help,
            persist_state="session",
        )
        return int(option.default if number is None else number)
    if len(option.choices) > FEW:
        return str(
            st.selectbox(
                option.label,
                option.choices,
                key=key,
                help=option.help,
                persist_state="session",
            )
        )
    return str(
        st.segmented_control(
            option.label,
            option.choices,
            required=True,
            key=key,
            help=option.help,
            persist_state="session",
        )
    )
