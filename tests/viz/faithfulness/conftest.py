"""A text that all measure, and a classifier in double precision to measure it with."""

from pathlib import Path

import pytest
import torch

from viz import Classifier
from viz.model.perturbation import Perturbation

TEXT = "Oil prices rise as stocks fall, the market was not good"


@pytest.fixture(scope="session")
def double(checkpoint: Path) -> Classifier:
    """The tiny BERT, computed in double precision."""
    return Classifier.load(checkpoint, dtype=torch.float64, device="cpu")


@pytest.fixture(scope="session")
def versions(double: Classifier) -> Perturbation:
    """All versions of the text that were read."""
    return Perturbation(double, double.encode(TEXT))
