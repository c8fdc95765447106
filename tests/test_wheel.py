"""CLSight installed from a wheel: all it needs is inside, and it runs in any folder."""

import json
import os
import shutil
import signal
import site
import subprocess
import venv
from pathlib import Path

import pytest

from tests.served import running
from tests.wheels import expected_names, make_wheel, names_in, pip
from viz.model.classifier import default_checkpoint
from viz.model.installation import ROOT, version

TEXT = "Oil prices rise as stocks fall"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of this checkout."""
    return make_wheel(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, which borrows the libraries from that of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    python = folder / "bin" / "python"
    pip(f"--python={python}", "install", "--no-deps", "--no-compile", "--no-index", str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    # Their .pth files are not read there, so that an editable installation stays out.
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of a user, with a checkpoint of their own."""
    folder = tmp_path / "elsewhere"
    shutil.copytree(default_checkpoint(), folder / "checkpoints" / "mine")
    return folder


def clean() -> dict[str, str]:
    """The environment without what leads to this checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def clsight(environment: Path, folder: Path, *words: str) -> str:
    """What the installed command prints when it is called in a folder."""
    return subprocess.run(
        [str(environment / "bin" / "clsight"), *words],
        cwd=folder,
        env=clean(),
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_it_holds_every_file_of_the_packages_and_what_ships_beside_them(wheel: Path) -> None:
    assert names_in(wheel) == expected_names()


def test_its_code_and_its_version_are_its_own(environment: Path, tmp_path: Path) -> None:
    assert clsight(environment, tmp_path, "--version") == f"CLSight {version()}\n"
    script = "import viz, finetune; print(viz.__file__, finetune.__file__)"
    python = [str(environment / "bin" / "python"), "-c", script]
    places = subprocess.run(
        python, cwd=tmp_path, env=clean(), check=True, capture_output=True, text=True
    ).stdout.split()
    assert all(Path(place).is_relative_to(environment) for place in places)


def test_a_command_reads_with_the_shipped_checkpoint(environment: Path, tmp_path: Path) -> None:
    said = json.loads(clsight(environment, tmp_path, "read", TEXT, "--json"))
    assert (said["checkpoint"], said["label"]) == ("ag-news-minilm", "Business")


def test_the_app_finds_its_pages_and_the_checkpoints_of_the_current_folder(
    environment: Path, elsewhere: Path, tmp_path: Path
) -> None:
    command = [str(environment / "bin" / "clsight"), "--server.headless=true"]
    with running(command, folder=elsewhere, env=clean(), log=tmp_path / "log.txt") as server:
        said = server.page(f"text={TEXT.replace(' ', '+')}&checkpoint=checkpoints/mine")
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(10) in (0, 130)
    assert "assets/ag-news-minilm" in said
    assert "checkpoints/mine" in said
    assert "Business" in said
    log = (tmp_path / "log.txt").read_text()
    assert "Traceback" not in log
    # Its settings are read: without them Streamlit listens to other machines too.
    assert f" URL: http://localhost:{server.port}" in log
    assert "Network URL" not in log
