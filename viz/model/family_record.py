"""What was proved of each family of models, as saved beside the code: families.json.

`python -m tests.benchmarks.families --record` builds a small model of each family, tries it against
plain transformers, and saves what held.  What a checkpoint allows is proved once more when it is
opened; this record only says what to expect.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

RECORD = Path(__file__).with_name("families.json")

Reason = Annotated[str, StringConstraints(pattern=r"^$|\.$")]
"""Why something is refused, in one sentence; empty where it is not."""


class FamilyRecord(BaseModel):
    """What a small model of one family was seen to do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    opens: Reason = ""
    attention: Reason = ""
    """Empty where there is one map of each head, equal to what transformers hands out."""
    encoder_only: bool = False
    """Whether the maps are those of an encoder in front of a decoder."""
    reads: str | None = None
    """Which of the last states the class is read from."""
    decomposition: Reason = ""
    """Empty where the scores of tokens and the bias sum to the explained scalar."""
    gates: Reason = ""
    """Empty where heads can be switched off."""
    layer_methods: tuple[str, ...] = ()
    """The methods that take layers apart, of those that can be used."""
    trains: Reason = ""
    """Empty where a model trained for three steps opens again."""


class FamilyRecords(BaseModel):
    """All families by the names that transformers gives them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    transformers: str
    """The version that was tried."""
    families: Mapping[str, FamilyRecord]


def family_records() -> FamilyRecords:
    """What is saved beside the code."""
    return FamilyRecords.model_validate_json(RECORD.read_bytes())
