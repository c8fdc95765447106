"""What sentences about errors are put together from."""

import pytest

from finetune.errors import parameter_count, with_article


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


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (1, "1 parameter"),
        (14_532, "14,532 parameters"),
        (99_999, "99,999 parameters"),
        (100_000, "0.1 million parameters"),
        (22_713_216, "22.7 million parameters"),
        (7_241_732_096, "7,241.7 million parameters"),
    ],
)
def test_few_parameters_are_not_written_as_no_millions(count: int, written: str) -> None:
    assert parameter_count(count) == written
