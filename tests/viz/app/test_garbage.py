"""How often the server looks for garbage."""

import gc
import time
import tomllib
from pathlib import Path

import pytest

from viz.app import garbage

ROOT = Path(__file__).resolve().parents[3]


def test_the_time_it_takes_is_a_small_part_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    now, collected = [100.0], []

    def collect() -> None:
        collected.append(now[0])
        now[0] += 0.5

    monkeypatch.setattr(gc, "collect", collect)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(garbage, "_next", 0.0)
    while now[0] < 200:
        garbage.collect_garbage()
        now[0] += 0.1
    assert collected[0] == 100
    spent = 0.5 * len(collected)
    assert garbage.MAX_SHARE / 2 < spent / 100 <= garbage.MAX_SHARE + 0.005


def test_streamlit_does_not_look_after_each_run() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["runner"] == {"postScriptGC": False}
