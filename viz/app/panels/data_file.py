"""Which data file is read: an upload, one that was uploaded before, or one at a typed path."""

from collections import Counter
from pathlib import Path

import streamlit as st

from finetune.data.tables.file_types import FORMATS
from viz.runs import uploads

LABEL = "Data: CSV, TSV, JSON Lines, JSON or Parquet, up to 200 MB"


def upload(key: str, *, label: str = LABEL, help: str | None = None) -> str | None:
    """Let the reader upload a file; where it is kept, None as long as there is none.

    A file may be large: only its first rerun compares and saves it.
    """
    given = st.file_uploader(
        label, type=[suffix.removeprefix(".") for suffix in FORMATS], key=key, help=help
    )
    if given is None:
        return None
    kept = f"{key}-kept-{given.file_id}"
    if not Path(st.session_state.get(kept, "")).is_file():
        st.session_state[kept] = str(uploads.keep_upload(given.name, given.getvalue()))
    return str(st.session_state[kept])


def choose(
    label: str,
    key: str,
    *,
    placeholder: str = "Choose, or type a path",
    persist: bool = False,
    help: str | None = None,
) -> str | None:
    """Let the reader choose a file that was uploaded before, or type a path; None for neither.

    Args:
        label: What the field is called.
        key: Its key, under which a path may stand that is not among the files offered.
        placeholder: What stands in the empty field.
        persist: Whether the choice stays while another page is open.
        help: What is told on request.
    """
    current = st.session_state.get(key)
    offered = [str(file) for file in uploads.data_files()]
    if current is not None and current not in offered:
        offered.append(current)
    names = Counter(Path(path).name for path in offered)

    def name(path: str) -> str:  # which tells it from the others
        short = Path(path).name
        return short if names[short] < 2 else path

    return st.selectbox(
        label,
        offered,
        index=None,
        key=key,
        format_func=name,
        accept_new_options=True,
        placeholder=placeholder,
        persist_state="session" if persist else None,
        help=help,
    )
