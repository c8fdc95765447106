"""What sentences about errors are put together from."""

import pytest

from finetune.errors import with_article


@pytest.mark.parametrize(
    "name",
    [
        *(
            "albert",
            "arcee",
            "electra",
            "ElectraForSequenceClassification",
            "ernie",
            "ibert",
            "opt",
        ),
        *("fnet", "lxmert", "mpnet", "MPNetForSequenceClassification", "mra", "mt5", "xlm-roberta"),
        *("xlnet", "xmod", "ultrabert"),
    ],
)
def test_names_that_begin_with_the_sound_of_a_vowel_take_an(name: str) -> None:
    assert with_article(name) == f"an {name}"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "bert",
            "distilbert",
            "flaubert",
            "funnel",
            "gpt2",
            "herbert",
            "llama",
            "luke",
            "mistral",
        ),
        *(
            "modernbert",
            "nystromformer",
            "rembert",
            "roberta",
            "squeezebert",
            "smollm3",
            "splinter",
        ),
        *("switch_transformers", "t5", "umt5", "unispeech"),
    ],
)
def test_all_others_take_a(name: str) -> None:
    assert with_article(name) == f"a {name}"
