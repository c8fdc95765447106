"""What is slow is imported by one thread, while others wait."""

import threading
import time
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from viz.app import preload


def test_threads_that_import_at_once_wait_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    seen: list[int] = []

    def import_module(name: str) -> None:
        time.sleep(0.02)
        imported.append(name)

    def run() -> None:
        preload.import_models()
        seen.append(len(imported))

    monkeypatch.setattr(preload, "import_module", import_module)
    idle = dict.fromkeys(("enable", "disable", "freeze"), lambda: None)
    monkeypatch.setattr(preload, "gc", SimpleNamespace(**idle))
    preload.import_once.cache_clear()
    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    preload.import_once.cache_clear()
    assert imported == list(preload.MODULES)
    assert seen == [len(imported)] * 3


def test_a_page_says_that_it_is_loading_until_all_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []

    def page() -> None:
        import streamlit as st

        from viz.app import preload

        preload.wait_for_imports()
        st.write("ready")

    app = AppTest.from_function(page)
    imported = threading.Event()
    monkeypatch.setattr(preload, "_imported", imported)
    monkeypatch.setattr(preload, "MESSAGE_SECONDS", 0)
    monkeypatch.setattr("viz.app.preload.st.caption", shown.append)
    monkeypatch.setattr(preload, "import_models", imported.set)
    app.run()
    assert ["Loading" in text for text in shown] == [True]
    assert not app.title
    app.run()
    assert len(shown) == 1
    assert [text.value for text in app.markdown] == ["ready"]
