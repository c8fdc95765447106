"""The container for a public machine: what its file copies, installs and starts."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.served import running
from tests.wheels import expected_names, make_wheel, names_in
from viz.model.installation import ROOT

DEPLOY = ROOT / "assets" / "deploy"
README = (DEPLOY / "README.md").read_text("utf-8")
CLSIGHT = [sys.executable, "-c", "from viz.cli.main import app; app(prog_name='clsight')"]


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each with what follows it on its line or lines."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    lines = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(word, rest) for line in lines if line for word, _, rest in [line.partition(" ")]]


def given(instruction: str) -> list[str]:
    return [rest for word, rest in instructions() if word == instruction]


def settings() -> dict[str, str]:
    return dict(word.split("=", 1) for line in given("ENV") for word in shlex.split(line))


def command() -> list[str]:
    (line,) = given("CMD")
    words: list[str] = json.loads(line)
    return words


def test_it_copies_all_that_the_wheel_is_made_of(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for line in given("COPY"):
        *names, target = line.split()
        place = source / target.removeprefix("/source/")
        for name in names:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, place)
    assert names_in(make_wheel(source, tmp_path / "made")) == expected_names()
    assert any("pip install" in line and " /source " in line for line in given("RUN"))


def test_it_runs_as_a_user_whose_home_can_be_written_to() -> None:
    assert given("USER") == ["1000"]
    assert "useradd --create-home --uid 1000 user" in given("RUN")
    assert given("WORKDIR") == [settings()["HOME"]] == ["/home/user"]


def test_its_port_is_the_same_everywhere() -> None:
    front_matter = yaml.safe_load(README.split("---\n")[1])
    assert front_matter["sdk"] == "docker"
    (port,) = given("EXPOSE")
    assert f"--server.port={port}" in command()
    assert front_matter["app_port"] == int(port)
    assert f"-p {port}:{port}" in README
    assert f":{port}/" in given("HEALTHCHECK")[0]


def test_its_command_serves_a_public_app_under_any_name(tmp_path: Path) -> None:
    program, *options = command()
    assert program == "clsight"
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    env = os.environ | settings() | {"HOME": str(tmp_path), "PYTHONPATH": path}
    log = tmp_path / "log.txt"
    with running([*CLSIGHT, *options], folder=tmp_path, env=env, log=log) as server:
        for name in ("localhost", "clsight.demos.example"):
            head = server.asked("/", f"Host: {name}")
            assert " 200 " in head
            assert "frame" not in head.lower()
            assert " 101 " in server.opened(name, f"https://{name}")
            assert " 403 " in server.opened(name, "https://evil.example")
            assert " 403 " in server.asked("/_stcore/upload_file/a/b", f"Host: {name}")
        (port,) = given("EXPOSE")
        healthy = json.loads(given("HEALTHCHECK")[0].removeprefix("CMD "))
        probe = [sys.executable, *healthy[1:-1], healthy[-1].replace(port, str(server.port))]
        subprocess.run(probe, check=True, env=env)
        said = server.page("text=oil+prices+rise")
    assert "Sci/Tech" in said
    assert "Faithfulness" in said
    assert "Train" not in re.findall(r'label: "(\w+)"', said)
