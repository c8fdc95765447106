"""What reads local files calls no other machine: counted at a proxy, and by a watch on sockets."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.finetune.news import news, write_csv
from tests.network_watch import NetworkWatch, watch_network
from tests.tiny_models import tiny_checkpoint

ROOT = Path(__file__).resolve().parents[1]
ALL = """
import json, sys
import finetune.data.splits

from finetune.__main__ import app as finetune
from viz.__main__ import app as viz

for package, *words in json.loads(sys.argv[1]):
    code = {"finetune": finetune, "viz": viz}[package](words, standalone_mode=False)
    assert not code, (package, words, code)
"""
"""Runs command lines one after another in one process, which imports what they need but once."""


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[NetworkWatch]:
    """Other machines behind a proxy that refuses and counts."""
    (tmp_path / "outside").mkdir()
    with watch_network(tmp_path / "outside") as found:
        yield found


def _run(outside: NetworkWatch, *words: str, where: Path) -> None:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=where,
        env=outside.env,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_watch_sees_calls_and_look_ups_and_the_proxy_counts(
    outside: NetworkWatch, tmp_path: Path
) -> None:
    for program in (
        "import socket; socket.getaddrinfo('203.0.113.1', 443)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('203.0.113.1', 443))",
        "import socket; socket.create_connection(('localhost', 9), 1)",
        "import urllib.request; urllib.request.urlopen('http://outside.example', timeout=5)",
    ):
        subprocess.run(
            [sys.executable, "-c", program], env=outside.env, capture_output=True, timeout=60
        )
    calls = [call.split()[0] for call in outside.calls()]
    assert calls == ["proxy", "socket.getaddrinfo", "socket.connect"]


def test_check_train_evaluate_read_export_and_score_call_no_other_machine(
    outside: NetworkWatch, tmp_path: Path
) -> None:
    base = tiny_checkpoint(tmp_path / "base")
    write_csv(tmp_path / "news.csv", news(48))
    data, out = "--data=news.csv", "--output=run"
    made = ("--checkpoint=run", data)
    text = "Oil prices rise as stocks fall"
    commands = [
        ["finetune", "check", data, f"--model={base}", "--json=check.json"],
        ["finetune", "train", data, f"--model={base}", out, "--epochs=1", "--max-length=32"],
        [
            "finetune",
            "train",
            data,
            f"--model={base}",
            "--output=lora",
            "--epochs=1",
            "--lora-rank=2",
        ],
        ["finetune", "baseline", data],
        ["finetune", "evaluate", *made, "--output=report.json"],
        ["viz", "read", text, "--checkpoint=run"],
        ["viz", "export", text, "--checkpoint=run", "--output=out", "--layer=0", "--head=0"],
        ["viz", "score", *made, "--limit=4", "--methods=input-x-gradient"],
        ["viz", "sanity", *made, "--limit=2", "--methods=input-x-gradient"],
    ]
    _run(outside, "-c", ALL, json.dumps(commands), where=tmp_path)
    assert outside.calls() == []


def test_nobody_is_called_past_a_proxy_either(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    write_csv(tmp_path / "news.csv", news(48))
    with watch_network(tmp_path / "outside", proxy=False) as outside:
        _run(outside, "-m", "finetune", "check", "--data=news.csv", where=tmp_path)
        assert outside.calls() == []


@pytest.mark.parametrize("room", ["finetune.errors", "viz.model.text_files"])
@pytest.mark.parametrize("first", ["", "import datasets, huggingface_hub"])
def test_whatever_is_imported_first_the_libraries_are_silent(
    room: str, first: str, outside: NetworkWatch, tmp_path: Path
) -> None:
    program = f"""
{first or "pass"}
import {room}
import datasets.config, huggingface_hub.constants
assert datasets.config.HF_UPDATE_DOWNLOAD_COUNTS is False
assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY is True
"""
    _run(outside, "-c", program, where=tmp_path)


def test_the_app_offers_no_way_by_which_a_text_could_leave() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert config["browser"]["gatherUsageStats"] is False
    assert config["client"]["showErrorLinks"] is False
