"""Whatever lies in a checkpoint folder, both halves open it or say one sentence, and soon."""

import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import AutoConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES

from finetune.checkpoint.models import load_base, load_checkpoint
from finetune.errors import ModelError
from tests.malformed_checkpoints import MALFORMED_CHECKPOINTS, OPENS
from tests.tiny_models import LABELS, tiny_checkpoint
from viz import Classifier
from viz.errors import CheckpointError, as_sentence

LONGEST = 400
"""Characters of a sentence."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("malformed") / "whole")


@pytest.fixture(scope="module", autouse=True)
def peak_before() -> int:
    """The most memory that this process had before the first folder, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "broken"
    shutil.copytree(whole, place)
    yield place
    shutil.rmtree(tmp_path, ignore_errors=True)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", MALFORMED_CHECKPOINTS)
def test_a_hostile_folder_opens_or_is_one_sentence(name: str, folder: Path) -> None:
    make, expected = MALFORMED_CHECKPOINTS[name]
    refusals: list[Exception] = []
    make(folder)
    if expected == OPENS:
        reading = Classifier.load(folder).read("oil prices")
        assert reading.prediction.labels == load_checkpoint(str(folder)).labels
    else:
        with pytest.raises(CheckpointError) as read:
            Classifier.load(folder)
        with pytest.raises(ModelError) as measured:
            load_checkpoint(str(folder))
        assert expected.lower() in str(measured.value).lower()
        assert str(read.value) == as_sentence(measured.value)
        refusals.append(read.value)
    for refusal in [*refusals, *base_refusals(folder)]:
        assert str(refusal).isprintable()
        assert len(str(refusal)) < LONGEST
    assert not list(folder.parent.glob("ran-*"))  # no code of its own did


def test_the_config_of_any_family_beside_other_weights_is_one_sentence(folder: Path) -> None:
    for kind in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES:
        settings = AutoConfig.for_model(kind).to_dict() | {"model_type": kind}
        (folder / "config.json").write_text(json.dumps(settings, default=str), "utf-8")
        with pytest.raises(CheckpointError) as refused:
            Classifier.load(folder)
        assert str(refused.value).isprintable()
        assert len(str(refused.value)) < LONGEST


def base_refusals(folder: Path) -> list[ModelError]:
    """What training from the folder says against it."""
    try:
        load_base(str(folder), LABELS, multi_label=False)
    except ModelError as error:
        return [error]
    return []


def test_no_hostile_folder_takes_much_memory(peak_before: int) -> None:
    """What the folders above took on top; their files have a megabyte."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak - peak_before < 2 * 2**20  # KiB
    assert len(MALFORMED_CHECKPOINTS) > 106
