"""Fixtures for every room: one tiny checkpoint and a classifier on it, made once a session."""

import gc
import os
import signal
import sys

# All are set before any library reads them.  Tests never look for a network.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Tiny models gain nothing from a second thread; the second core has the other half of the tests.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A script that starts tests in the background has them, and all that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import transformers

from tests.tiny_models import FAMILIES, Family, tiny_checkpoint
from viz import Classifier, Reading
from viz.attribution import registry

transformers.logging.disable_progress_bar()

TEXT = "Oil prices rise as stocks fall, the market was not good."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that are marked `cuda` where there is no card."""
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(pytest.mark.skip(reason="no CUDA card"))


@pytest.fixture(scope="session", autouse=True)
def _no_waiting_for_disks() -> Iterator[None]:
    """No test cuts the power; a run that saves each step would wait for a disk 400 times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def _few_objects_to_look_through() -> None:
    """Streamlit collects garbage after each run of a page, and the Trainer at each start.

    What libraries and tests before have left stays, and is not looked through again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _own_main_module() -> Iterator[None]:
    """Streamlit leaves the script of a page as `__main__`, which a new process would run again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with the labels World, Sports, Business, Sci/Tech."""
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny-bert")


@pytest.fixture(scope="session", params=FAMILIES)
def family_checkpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A tiny checkpoint of each family in turn."""
    family: Family = request.param
    return tiny_checkpoint(tmp_path_factory.mktemp("families") / family, family)


@pytest.fixture
def own_methods() -> Iterator[None]:
    """Forget methods that a test registers once it is over."""
    before = dict(registry._methods)
    yield
    registry._methods.clear()
    registry._methods.update(before)


@pytest.fixture(scope="session")
def classifier(checkpoint: Path) -> Classifier:
    """The tiny BERT, loaded."""
    return Classifier.load(checkpoint)


@pytest.fixture(scope="session")
def reading(classifier: Classifier) -> Reading:
    """One short text, read by the tiny BERT."""
    return classifier.read(TEXT)
