"""The command line `python -m viz`."""

from viz.cli.commands import app

__all__ = ["app"]

if __name__ == "__main__":
    app(prog_name="python -m viz")
