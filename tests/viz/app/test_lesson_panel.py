"""The lesson as it is gone through: steps, languages, links, and what stands in a step."""

import gc
import time
from pathlib import Path
from weakref import ReferenceType, ref

import pytest
from streamlit.testing.v1 import AppTest

from tests.page_content import component_data
from tests.tiny_models import tiny_checkpoint
from viz import Classifier
from viz.app import keys, lessons, unfoldings
from viz.app.cache import LRUCache
from viz.app.navigation import INSIDE
from viz.app.panels.lesson import CHOICE, LANGUAGE_CHOICE
from viz.app.panels.text import Texts
from viz.mechanism.lesson.language import LANGUAGES, language
from viz.mechanism.lesson.lesson import STEP_KEYS
from viz.mechanism.trace import trace
from viz.mechanism.trace.trace import Trace
from viz.mechanism.unfolding.unfold import Unfolder

ROOT = Path(__file__).resolve().parents[3]
TEXT = "oil prices rise, the market was not good"


def _page(checkpoint: str, text: str, pair: str | None) -> None:
    from viz.app.panels import lesson
    from viz.app.panels.text import Texts

    lesson.show(checkpoint, Texts(text, pair))


def opened(checkpoint: Path, text: str = TEXT, pair: str | None = None, **linked: str) -> AppTest:
    app = AppTest.from_function(
        _page,
        default_timeout=60,
        kwargs={"checkpoint": str(checkpoint), "text": text, "pair": pair},
    )
    app.query_params.update(linked)
    return finished(app)


def finished(app: AppTest) -> AppTest:
    """The app once the step that reads the text many times is there."""
    for _ in range(100):
        app.run()
        assert not app.exception
        assert not app.error
        if app.subheader:
            return app
        time.sleep(0.1)
    raise AssertionError("the step did not come")


def title(app: AppTest) -> str:
    return str(app.subheader[0].value)


@pytest.mark.parametrize("code", LANGUAGES)
def test_it_is_gone_through_from_the_first_step_to_the_last(checkpoint: Path, code: str) -> None:
    app = opened(checkpoint, language=code)
    seen = [title(app)]
    assert app.button(key="lesson-previous").disabled
    while not app.button(key="lesson-next").disabled:
        app.button(key="lesson-next").click()
        seen.append(title(finished(app)))
    words = language(code)
    assert seen == [f"{at}. {words.title(key)}" for at, key in enumerate(STEP_KEYS, start=1)]
    assert app.query_params["lesson"] == "explanation"
    assert component_data(app, "colored-text")
    app.button(key="lesson-previous").click()
    assert title(finished(app)) == seen[-2]


def test_a_link_opens_a_step_in_a_language_and_the_switch_stays_with_the_step(
    checkpoint: Path,
) -> None:
    app = opened(checkpoint, lesson="weights", language="zh")
    assert title(app) == f"4. {language('zh').title('weights')}"
    app.segmented_control(key=LANGUAGE_CHOICE).set_value("en")
    assert title(finished(app)) == f"4. {language('en').title('weights')}"
    assert "language" not in app.query_params
    app.segmented_control(key=CHOICE).set_value("words")
    assert title(finished(app)).startswith("1.")
    assert keys.LESSON not in app.query_params


def test_a_link_to_what_the_lesson_does_not_have_opens_its_beginning(checkpoint: Path) -> None:
    app = opened(checkpoint, lesson="backpropagation", language="fr")
    assert title(app) == f"1. {language('en').title('words')}"


def test_each_claim_shows_its_verdict_and_its_numbers(checkpoint: Path) -> None:
    app = opened(checkpoint)
    written = [str(each.value) for each in app.markdown]
    assert (
        ":orange[:material/cancel:] Not every word is one token. **Does not hold here**" in written
    )
    assert any("Words that were cut: 0 of 9." in str(each.value) for each in app.caption)


def test_words_of_the_text_and_names_of_classes_are_no_markdown(tmp_path: Path) -> None:
    hostile = "![x](http://example.invalid/x.png)"
    folder = tiny_checkpoint(tmp_path / "hostile", labels=(hostile, "b"))
    for step in ("class", "score", "explanation"):
        app = opened(folder, "**oil** $x^2$ :red[a]", lesson=step)
        written = " ".join(str(each.value) for each in [*app.caption, *app.markdown])
        assert "![" not in written


def test_a_pair_and_a_single_word_are_taught_too(checkpoint: Path) -> None:
    for text, pair in (("oil", None), ("oil prices", "the team wins")):
        for step in ("vectors", "heads", "explanation"):
            opened(checkpoint, text, pair, lesson=step)


def test_a_step_leads_to_its_equation_and_keeps_to_the_chosen_weight(checkpoint: Path) -> None:
    chosen = {"layer": "1", "head": "2", "query": "3", "key": "4"}
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params.update({"checkpoint": str(checkpoint), "text": TEXT, "mode": "lesson"})
    app.query_params.update(chosen | {"lesson": "score"})
    app.switch_page(INSIDE)
    finished(app)
    assert "L1 · H2, from “rise” (3) to “,” (4)" in " ".join(each.value for each in app.caption)
    app.button(key="lesson-equation").click().run()
    assert not app.exception
    assert app.query_params.get("mode") is None
    assert {name: app.query_params[name] for name in chosen} == chosen
    assert "Inside L1 · H2" in title(app)


def test_lessons_keep_no_passes_beyond_the_bound_of_all(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = LRUCache(1, unfoldings._n_bytes)
    monkeypatch.setattr(unfoldings, "_passes", passes)
    traces: list[ReferenceType[Trace]] = []
    for text in ("oil prices rise", "bad movie", "team wins game"):
        texts = Texts(text, None)
        taught = lessons.lesson(str(checkpoint), texts, (2, 0, 0, 1))
        assert taught.step("score").equations
        (traced,) = passes._results.values()
        traces.append(ref(traced.unfolder.trace))  # type: ignore[attr-defined]
        del traced
    gc.collect()
    assert [each() is not None for each in traces] == [False, False, True]


def test_a_pass_counts_the_matrices_that_it_has_copied(
    classifier: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace, "LARGE", 16)  # below the matrices of a tiny checkpoint
    unfolder = Unfolder(classifier, classifier.read(TEXT))
    unfolder.unfold(2, 0, 0, 1)
    whole, copies = unfolder.trace.n_bytes, dict(unfolder.trace._numbers)
    assert copies
    unfolder.trace._numbers.clear()
    assert whole - unfolder.trace.n_bytes == sum(each.nbytes for each in copies.values())
