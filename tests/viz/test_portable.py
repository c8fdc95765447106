"""The app and the command lines open where the modules of Unix are missing, as on Windows."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import builtins, gc, importlib, pkgutil

gc.disable()  # nothing of all this is garbage
UNIX = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog"}
found = builtins.__import__

def refuse(name, globals=None, *rest, **more):
    # Other libraries ask for some of these on this system alone.
    importer = (globals or {}).get("__name__", "")
    if name in UNIX and importer.partition(".")[0] in ("viz", "finetune"):
        raise ImportError(f"{importer} imports {name}")
    return found(name, globals, *rest, **more)

builtins.__import__ = refuse
import finetune, viz

for package in (viz, finetune):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.startswith("viz.app.pages."):
            importlib.import_module(module.name)
gc.freeze()
"""
"""Imports all but the pages, which draw themselves when they are imported."""


def test_every_module_is_imported_without_the_modules_of_unix() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
