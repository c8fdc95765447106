"""On the page, the token that the class is read from goes by its name."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.families import family_checkpoint
from tests.page_content import page_text, payload_of
from viz.app import keys

ROOT = Path(__file__).resolve().parents[3]
TEXT = "oil prices rise as stocks fall"


def read_page(folder: Path, **link: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(folder), "text": TEXT, **link})
    app.run()
    assert not app.exception
    assert not app.error
    return app


def caption_of_row(app: AppTest) -> str:
    """What stands below the row on the text, which is the last text in colors on the page."""
    *_, row = [
        payload_of(element.proto)
        for element in app.get("bidi_component")
        if element.proto.component_name == "clsight-colored-text"
    ]
    return str(row["caption"])


def choice(app: AppTest) -> str:
    """The token that looks, as the reader sees it."""
    query = app.selectbox(key=keys.QUERY)
    assert query.index is not None
    return query.options[query.index]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A family of each kind."""
    names = ("bert", "gpt2", "modernbert mean", "bart")
    root = tmp_path_factory.mktemp("families")
    return {name: family_checkpoint(root / name.replace(" ", "-"), name) for name in names}


@pytest.mark.parametrize(
    ("family", "name", "sentence"),
    [
        ("bert", "[CLS]", ""),
        ("gpt2", "the last token", "The class is read from the last token, “fall”."),
        (
            "modernbert mean",
            "the mean of all tokens",
            "The class is read from the mean of all tokens.",
        ),
    ],
)
def test_the_page_names_it_once_and_where_it_is_followed(
    folders: dict[str, Path], family: str, name: str, sentence: str
) -> None:
    app = read_page(folders[family], method="attention")
    method = app.selectbox(key=keys.METHOD)
    assert method.value == "attention"
    assert f"Attention of {name}" in method.options
    text = page_text(app).replace("\\", "")
    assert f"Where {name} looks in the last layer, mean of its heads" in text
    assert text.count("is read from") == bool(sentence)
    assert sentence in text
    assert "the deciding token" not in text


@pytest.mark.parametrize(
    ("family", "chosen", "caption"),
    [
        ("bert", "0 · [CLS]", "Where [CLS] looks in L1 · H0"),
        ("gpt2", "5 · fall", "Where fall looks in L1 · H0"),
        ("modernbert mean", "mean of all tokens", "Where the mean of all tokens looks in L1 · H0"),
    ],
)
def test_the_row_on_the_text_begins_where_the_class_is_read(
    folders: dict[str, Path], family: str, chosen: str, caption: str
) -> None:
    app = read_page(folders[family], view="on the text", layer="1", head="0")
    assert choice(app) == chosen
    assert caption_of_row(app).startswith(caption)
    other = (
        app.selectbox(key=keys.QUERY).select_index(1 if family == "modernbert mean" else 2).run()
    )
    assert not other.exception
    assert caption not in caption_of_row(other)


def test_contributions_of_a_mean_are_added_up_over_rows(folders: dict[str, Path]) -> None:
    app = read_page(
        folders["modernbert mean"], view="on the text", show="contribution to the class"
    )
    assert choice(app) == "all rows"
    assert "contributes to the class through each token" in caption_of_row(app)


def test_of_an_encoder_and_decoder_the_page_says_whose_maps_it_shows(
    folders: dict[str, Path],
) -> None:
    text = page_text(read_page(folders["bart"])).replace("\\", "")
    assert (
        "The class is read from the last token, </s>, in the decoder; these are the maps of the "
        "encoder." in text
    )


def test_a_link_names_a_method_by_the_label_that_the_page_shows(folders: dict[str, Path]) -> None:
    app = read_page(folders["bert"], method="Attention of [CLS]")
    assert app.selectbox(key=keys.METHOD).value == "attention"
