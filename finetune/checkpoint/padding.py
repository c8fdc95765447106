"""How texts of a batch are filled up to one length without changing what the model says of them."""

from collections.abc import Iterator
from typing import Literal

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from finetune.checkpoint.library_errors import as_model_error
from finetune.checkpoint.sample_pass import sample_length, sample_token_ids, unchanged
from finetune.errors import ModelError

Side = Literal["right", "left"]
SIDES: tuple[Side, ...] = ("right", "left")
TOLERANCE = 1e-3
"""How far the logits of a padded text may be from its own, in units of the largest."""
SAMPLE_TEXT = "a b c"


def fit_padding(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, owner: str) -> bool:
    """Let *tokenizer* pad as *model* reads, and the *model*'s configuration say with which token.

    Decoders take the last token that isn't `pad_token_id` for the one that decides, and many come
    without one. A tokenizer without a padding token gets one of its own tokens, first one that it
    puts into no text; positions that are counted from the left ask for padding on the right, XLNet
    for padding on the left. All of it is tried on a text, and the first that leaves its logits as
    they are stays; a tokenizer that has a padding token keeps it.

    Returns:
        Whether padding leaves logits as they are. Where it doesn't (FNet mixes all positions of a
        batch), texts have to be read one by one.

    Raises:
        ModelError: There is no token to pad with.
    """
    own = tokenizer.pad_token_id
    tokens = [own] if own is not None else list(dict.fromkeys(_candidates(model, tokenizer)))
    if not tokens:
        raise ModelError(
            f"the tokenizer of {owner} has no padding token, nor another that could pad; add one"
        )
    before = model.config.pad_token_id
    for token in tokens:
        for named in dict.fromkeys((token,) if before is None else (before, token)):
            _name_padding(model, named)
            sides = padding_sides(model, token)
            if sides:
                tokenizer.pad_token = tokenizer.convert_ids_to_tokens(token)
                if tokenizer.padding_side not in sides:
                    tokenizer.padding_side = sides[0]
                return True
    _name_padding(model, tokens[0] if before is None else before)
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(tokens[0])
    return False


def padding_sides(model: PreTrainedModel, token: int) -> tuple[Side, ...]:
    """The sides on which padding with *token* leaves the logits of a text as they are.

    Raises:
        ModelError: The model can't read a text.
    """
    length = sample_length(model.config)
    long = sample_token_ids(model.config, length, without=token).to(model.device)
    short = sample_token_ids(model.config, length - length // 3, without=token).to(model.device)
    with (
        as_model_error(
            f"this {model.config.model_type} model can't read a text", "choose another base model"
        ),
        unchanged(model),
    ):
        alone = model(input_ids=short[None], attention_mask=torch.ones_like(short[None])).logits
        return tuple(side for side in SIDES if _reads_alike(model, alone, short, long, token, side))


def _reads_alike(
    model: PreTrainedModel,
    alone: torch.Tensor,
    short: torch.Tensor,
    long: torch.Tensor,
    token: int,
    side: Side,
) -> bool:
    """Whether the logits of *short*, padded beside *long*, are those of *short* *alone*."""
    fill = long.new_full((len(long) - len(short),), token)
    shown, hidden = torch.ones_like(short), torch.zeros_like(fill)
    row, mask = (
        torch.cat(parts if side == "right" else parts[::-1])
        for parts in ((short, fill), (shown, hidden))
    )
    try:
        logits = model(
            input_ids=torch.stack([long, row]),
            attention_mask=torch.stack([torch.ones_like(long), mask]),
        ).logits
    except Exception:  # without a pad_token_id, or with one that texts end with, some refuse
        return False
    gap = (logits[1] - alone[0]).abs().max()
    return bool(gap <= TOLERANCE * alone.abs().max())


def _name_padding(model: PreTrainedModel, token: int) -> None:
    """Let the configuration say which token pads."""
    for config in (model.config, model.config.get_text_config()):
        config.pad_token_id = token


def _candidates(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> Iterator[int]:
    """Tokens that could pad, the best first."""
    words, configured = tokenizer.get_vocab(), model.config.pad_token_id
    if isinstance(configured, int) and configured in words.values():
        yield configured
    yield from (number for word, number in tokenizer.get_added_vocab().items() if _pads(word))
    others = (tokenizer.eos_token_id, tokenizer.unk_token_id, tokenizer.bos_token_id)
    put_into_texts = set(tokenizer(SAMPLE_TEXT)["input_ids"])
    # What stands in every text anyway comes last: it would be taken for padding there.
    yield from sorted(
        (number for number in others if number is not None), key=put_into_texts.__contains__
    )


def _pads(word: str) -> bool:
    return "pad" in word.lower()
