"""A new run: its data, what the check says of them, its base and a few settings."""

from pathlib import Path

import streamlit as st

from finetune.run.config_sections import InputConfig, LoopConfig, OptimizerConfig, OutputConfig
from finetune.run.setting_types import bounds
from viz.app.markdown import plain
from viz.app.panels import data_file
from viz.app.panels.columns import choose_columns
from viz.model.text_files import Columns
from viz.runs import data_check, launch, uploads
from viz.runs.base_model import DEFAULT_BASE, last_base_model
from viz.runs.launch import Plan

ICONS = {"stop": ":material/block:", "warning": ":material/warning:", "note": ":material/info:"}
PREVIEW_ROWS = 4
SPLIT_OFF = "split off from the data"
NOT_COUNTED = (
    "Texts that are too long were not counted, which takes a base model in a folder on this "
    "machine."
)
MAX_EPOCHS, MAX_TOKENS, MIN_LEARNING_RATE = 1000, 8192, 1e-7
"""How far the fields of numbers go where training itself allows more."""
STARTED = "train-started"
"""Key of the number of runs that this browser has started."""


def offer() -> None:
    """Ask for data first; the rest stands below and beside them once there are any."""
    st.subheader("Train a classifier", anchor=False)
    data_check.prepare()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        data = _choose_data()
    if data is None:
        with right:
            st.caption(
                "Upload a file with a column of texts and a column of classes or scores. It is "
                "checked, a model is trained on it on this machine, and the result opens on the "
                "Read page. Training continues when you close the browser."
            )
        return
    with left:
        table = uploads.head(data)
        st.caption(f"The first rows of {plain(data.name)}")
        st.dataframe(  # draws no HTML
            uploads.first_rows(table, PREVIEW_ROWS), hide_index=True, alt="The first rows"
        )
        chosen = choose_columns(data, table)
        findings = st.container()
    with right:
        plan = _choose_plan(data, chosen or Columns())
    ready = False
    if chosen is not None:
        with findings:
            changed = _last_change(data, plan.validation)
            report = _check(plan.check_options(), changed)
            _show_report(report)
            ready = not report.fatal
    with right:
        start = st.button("Start", type="primary", disabled=not ready, icon=":material/play_arrow:")
        if start:
            launch.start(plan)
            st.session_state[STARTED] = st.session_state.get(STARTED, 0) + 1
            st.rerun()


def choose_data(data: Path) -> None:
    """Let the page open with a file chosen."""
    st.session_state[_data_key()] = str(data)


def _data_key() -> str:
    """The key of the field of a file: after a start it is a new one, and empty.

    So the page is short again, and shows the run.
    """
    return f"train-data-{st.session_state.get(STARTED, 0)}"


def _choose_data() -> Path | None:
    chosen = data_file.upload(
        f"train-upload-{st.session_state.get(STARTED, 0)}",
        help="For a larger file, type its path below, or train with `clsight train`.",
    ) or data_file.choose("or a file on this machine", _data_key())
    return uploads.data_file(chosen) if chosen else None


def _choose_plan(data: Path, columns: Columns) -> Plan:
    base = st.text_input(
        "Base model",
        last_base_model(),
        key="train-base",
        placeholder=f"{DEFAULT_BASE}, or a folder",
        help="A folder, or the id of a model on the Hugging Face Hub. Offline, only folders and "
        "models that were downloaded before can be used.",
    )
    name = st.text_input("Name of the run", launch.free_name(data.stem), key=f"train-name-{data}")
    left, right = st.columns(2)
    epochs = left.number_input(
        "Epochs", bounds(LoopConfig, "epochs")[0], MAX_EPOCHS, LoopConfig.epochs, key="train-epochs"
    )
    rate = right.number_input(
        "Learning rate",
        MIN_LEARNING_RATE,
        float(bounds(OptimizerConfig, "learning_rate")[1]),
        None,
        step=1e-5,
        format="%.1e",
        placeholder="auto",
        key="train-rate",
        help="The peak rate; by default it depends on the width of the model.",
    )
    length = left.number_input(
        "Longest text",
        bounds(InputConfig, "max_length")[0],
        MAX_TOKENS,
        None,
        key="train-length",
        placeholder="auto",
        help="In tokens; the rest of a longer text is cut off.",
    )
    seeds = right.number_input(
        "Seeds",
        *bounds(LoopConfig, "seeds"),
        LoopConfig.seeds,
        key="train-seeds",
        help="Repeats training with different seeds, keeps the best run, and reports the mean and "
        "interval of all.",
    )
    offered = [SPLIT_OFF, *(str(file) for file in uploads.data_files() if file != data)]
    validation = st.selectbox(
        "Validation", offered, key="train-validation", format_func=lambda path: Path(path).name
    )
    keep_epochs = st.checkbox(
        "Keep the weights after each epoch",
        OutputConfig.keep_epochs,
        key="train-keep-epochs",
        help="To see on the Compare page how training changed what the model reads. About half the "
        "size of the model for each epoch; the log says how much at most.",
    )
    ranking = st.checkbox(
        "Rank the methods when it is trained",
        OutputConfig.ranking,
        key="train-ranking",
        help="Measures the quick methods on up to 100 validation rows, for two minutes at most, so "
        "that the Read page begins with the best one for this checkpoint. You can use the "
        "checkpoint meanwhile.",
    )
    return Plan(
        name=name.strip(),
        data=str(data),
        base=base.strip(),
        validation=None if validation == SPLIT_OFF else str(validation),
        columns=columns,
        epochs=epochs,
        learning_rate=rate,
        max_length=length,
        seeds=seeds,
        keep_epochs=keep_epochs,
        ranking=ranking,
    )


def _last_change(data: Path, validation: str | None) -> tuple[float, ...]:
    """When the files were last changed, in seconds since 1970; 0 for one that is gone."""
    files = [data] if validation is None else [data, Path(validation)]
    return tuple(file.stat().st_mtime if file.is_file() else 0.0 for file in files)


@st.cache_data(max_entries=8, show_spinner="Checking the data …")
def _check(options: list[str], last_change: tuple[float, ...]) -> data_check.Report:
    return data_check.check(options)


def _show_report(report: data_check.Report) -> None:
    rows = ", ".join(f"{number:,} {role}" for role, number in report.rows.items())
    count = report.classes
    labels = f"{count} class{'es' * (count != 1)}" if count else "scores"
    st.caption(f"Rows: {plain(rows)}; {labels}.")
    for sentence in report.reads:
        st.caption(plain(sentence))
    for finding in report.findings:
        sentence, icon = plain(finding.sentence), ICONS[finding.severity]
        if finding.severity == "stop":
            st.error(sentence, icon=icon)
        else:
            st.caption(f"{icon} {sentence}")
    if not report.truncation_counted:
        st.caption(NOT_COUNTED)
