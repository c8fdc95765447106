"""What is slow is imported by one thread, while others wait."""

import threading
import time
from types import SimpleNamespace

import pytest

from viz.app import preload


def test_threads_that_import_at_once_wait_for_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    seen: list[int] = []

    def import_module(name: str) -> None:
        time.sleep(0.05)
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
    assert imported == ["viz.attribution", "viz.plots.score_bars"]
    assert seen == [2, 2, 2]
