"""The check by itself: as a run would make it, without a model being trained."""

from finetune.check.report import CheckReport
from finetune.check.splits import check_splits
from finetune.config import TrainConfig, shown_name
from finetune.data import find_splits
from finetune.errors import ConfigError
from finetune.models import LONGEST, load_tokenizer, quiet_libraries


def check_data(config: TrainConfig, *, model: str | None = None) -> CheckReport:
    """The report on the data of *config*; with *model*, truncation is counted by its tokenizer."""
    quiet_libraries()
    if model is None and config.max_length is not None:
        raise ConfigError(
            "--max-length counts tokens; give --model too, whose tokenizer makes them"
        )
    tokenizer, longest = (None, LONGEST) if model is None else load_tokenizer(model)
    if model is not None and (config.max_length or 0) > longest:
        raise ConfigError(
            f"--max-length is {config.max_length}; {shown_name(model)!r} reads {longest} at most"
        )
    return check_splits(find_splits(config), tokenizer, config.max_length or min(longest, LONGEST))
