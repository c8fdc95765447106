"""Wheels of CLSight: how they are made, and what belongs in them."""

import subprocess
import sys
import zipfile
from pathlib import Path

from viz.model.classifier import default_checkpoint
from viz.model.installation import ROOT

BESIDE = {"app.py", ".streamlit/config.toml", "assets/examples.json", "assets/icon.png"}
"""What a checkout has beside its packages, and a wheel inside one; the checkpoint too."""


def pip(*words: str) -> None:
    """Call pip, which says nothing unless it fails."""
    quiet = ["--quiet", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", words[0], *quiet, *words[1:]]
    subprocess.run(command, check=True, capture_output=True, text=True)


def make_wheel(source: Path, folder: Path) -> Path:
    """Make the wheel of a source folder, with what is installed here."""
    pip("wheel", "--no-build-isolation", "--no-deps", f"--wheel-dir={folder}", str(source))
    (file,) = folder.iterdir()
    return file


def names_in(wheel: Path) -> set[str]:
    """The files of a wheel, but for what is said about it."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def expected_names() -> set[str]:
    """Every file of the packages, and what ships beside them."""
    packages = {
        file.relative_to(ROOT).as_posix()
        for package in ("viz", "finetune")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    checkpoint = {file.relative_to(ROOT).as_posix() for file in default_checkpoint().iterdir()}
    return packages | {f"viz/shipped/{name}" for name in BESIDE | checkpoint}
