"""An audit: measures as `evaluate` has them, a line for each row, and nothing read twice."""

import json
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from finetune.checkpoint.windows import STRIDE_KEY
from finetune.evaluation.evaluate import evaluate
from tests.tiny_models import edit_config, tiny_checkpoint
from viz import Classifier
from viz.data.audit import parts
from viz.data.audit.cache import FOLDER, AuditCache
from viz.data.audit.run import NOT_YET, AuditRun, audit
from viz.data.missing import Missing
from viz.data.options import AuditOptions
from viz.data.rows import row_reading
from viz.data.rows.audit_rows import open_rows, rows_from
from viz.data.rows.near_copies import conflicting_copies
from viz.data.rows.row_predictions import predict
from viz.data.rows.row_reading import read_rows
from viz.errors import RunError, SelectionError
from viz.jobs.cancellation import CancelledError
from viz.model.encoding import ONE_WINDOW

FEW = AuditOptions(n_cells=1, n_counterfactuals=1)
WORDS = ("oil", "prices", "rise", "stocks", "fall", "the", "team", "wins", "game", "market", "good")


def write_rows(folder: Path, n_rows: int = 150) -> Path:
    draw = np.random.default_rng(0)
    labels = ("World", "Sports", "Business", "Sci/Tech")
    lines = ["id,text,label"]
    for row in range(n_rows):
        text = " ".join(draw.choice(WORDS, size=draw.integers(1, 9)))
        lines.append(f"{row},{text},{labels[draw.integers(4)]}")
    (folder / "rows.csv").write_text("\n".join(lines))
    return folder / "rows.csv"


def test_measures_are_those_of_evaluate(
    classifier: Classifier, checkpoint: Path, tmp_path: Path
) -> None:
    file = write_rows(tmp_path)
    record = audit(classifier, open_rows(file, classifier), options=FEW).record
    report = evaluate(str(checkpoint), str(file))
    assert record.measures == report.metrics
    assert not isinstance(record.calibration, Missing)
    assert report.calibration is not None
    assert record.calibration.nll == pytest.approx(report.calibration.nll)
    assert (record.n_rows, record.n_read, record.n_labeled) == (150, 150, 150)


def test_the_table_has_a_line_for_each_row(classifier: Classifier) -> None:
    rows = rows_from(
        [
            {"text": "oil prices rise", "label": "Business", "prediction": "mine", "n": 1},
            {"text": " ", "label": "World", "prediction": "mine", "n": 2},
            {"text": "the team wins", "prediction": "mine", "n": 3},
        ],
        classifier,
    )
    result = audit(classifier, rows)
    table = result.table
    logits = classifier.read("oil prices rise").prediction.logits.astype(np.float64)
    given = classifier.probabilities(logits)
    first = table.iloc[0]
    assert first["label"] == "Business"
    assert first["prediction"] == classifier.labels[int(logits.argmax())]
    assert first["probability"] == pytest.approx(given.max(), abs=1e-6)
    assert first["label_probability"] == pytest.approx(given[2], abs=1e-6)
    assert first["loss"] == pytest.approx(-np.log(given[2]), abs=1e-6)
    assert first["entropy"] == pytest.approx(-(given * np.log(given)).sum(), abs=1e-6)
    assert first["margin"] == pytest.approx(np.diff(np.sort(given)[-2:])[0], abs=1e-6)
    assert first["tokens"] == 5
    assert pd.isna(table.loc[1, ["label", "prediction", "correct", "probability", "loss"]]).all()
    assert pd.isna(table.loc[2, ["label", "correct", "label_probability", "loss"]]).all()
    assert table.loc[2, "prediction"] in classifier.labels
    assert list(table["prediction (file)"]) == ["mine"] * 3
    assert list(table["n"]) == [1, 2, 3]
    assert (result.record.n_read, result.record.n_labeled) == (2, 1)


def test_rows_without_labels_give_what_they_can(classifier: Classifier) -> None:
    result = audit(classifier, ["oil prices rise", "the team wins"])
    assert isinstance(result.record.measures, Missing)
    assert result.table["prediction"].notna().all()
    assert result.table["label"].isna().all()


def test_a_multi_label_head_and_a_score_are_measured(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "multi", problem_type="multi_label_classification")
    several = Classifier.load(folder)
    rows = [
        {"text": "oil prices", "labels": ["World", "Sports"]},
        {"text": "the team", "labels": []},
    ]
    table = audit(several, rows).table
    assert list(table["label"]) == ["World, Sports", ""]
    flags = several.read("oil prices").prediction.logits > 0
    assert bool(table["correct"][0]) == bool((flags == [True, True, False, False]).all())
    folder = tiny_checkpoint(tmp_path / "score", labels=("score",), problem_type="regression")
    score = Classifier.load(folder)
    result = audit(
        score, [{"text": "oil prices", "score": 0.5}, {"text": "the team", "score": None}]
    )
    value = float(score.read("oil prices").prediction.logits[0])
    assert result.table["prediction"][0] == pytest.approx(value, abs=1e-5)
    assert result.table["loss"][0] == pytest.approx((value - 0.5) ** 2, abs=1e-4)
    assert pd.isna(result.table["loss"][1])
    assert not isinstance(result.record.measures, Missing)


def test_an_audit_that_was_stopped_goes_on_where_it_was(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_reading, "FIRST_ROWS", 16)
    rows = open_rows(write_rows(tmp_path), classifier)
    whole = audit(classifier, rows, options=FEW)
    counts: list[float] = []

    def stop(passes: float) -> None:
        counts.append(passes)
        if sum(counts) > 60:
            raise CancelledError

    folder = tmp_path / "audit"
    with pytest.raises(CancelledError):
        audit(classifier, rows, options=FEW, folder=folder, progress=stop)
    texts: list[str] = []

    def counted(
        classifier: Classifier, part: list[str], *args: object, **options: object
    ) -> object:
        texts.extend(part)
        return predict(classifier, part, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(row_reading, "predict", counted)
    resumed = audit(classifier, rows, options=FEW, folder=folder)
    assert 0 < len(texts) < len(rows)
    np.testing.assert_allclose(resumed.predictions.logits, whole.predictions.logits, atol=1e-5)
    assert resumed.record.measures == whole.record.measures
    texts.clear()
    again = audit(classifier, rows, options=FEW, folder=folder)
    assert texts == []
    assert again.record == resumed.record
    for file in folder.rglob("*.npz"):
        file.write_bytes(b"damaged")
    audit(classifier, rows, options=FEW, folder=folder)
    assert len(texts) == len(rows)


def test_an_audit_of_a_checkpoint_whose_classes_or_tokenizer_changed_starts_over(
    tmp_path: Path,
) -> None:
    folder = tiny_checkpoint(tmp_path / "tiny")

    def work_folder(folder: Path) -> Path | None:
        classifier = Classifier.load(folder)
        rows = rows_from(["oil prices"], classifier)
        run = AuditRun(classifier, rows, FEW, folder=tmp_path / "audit")
        before = run.work_folder
        classifier.read("oil " * 99)  # which leaves a limit in its tokenizer
        again = AuditRun(classifier, rows, FEW, folder=tmp_path / "audit")
        assert again.work_folder == before
        return before

    known = {work_folder(folder)}
    assert work_folder(folder.rename(tmp_path / "renamed")) in known
    folder = tmp_path / "renamed"
    names = dict(enumerate(("Sports", "World", "Business", "Sci/Tech")))
    for n_changes, (file, changes) in enumerate(
        (
            ("config.json", {"id2label": names}),
            ("config.json", {"calibration_temperature": 2.0}),
            ("config.json", {"problem_type": "multi_label_classification"}),
            ("tokenizer_config.json", {"model_max_length": 32}),
            ("tokenizer.json", {"normalizer": None}),
        ),
        start=1,
    ):
        entries = json.loads((folder / file).read_text("utf-8")) | changes
        (folder / file).write_text(json.dumps(entries), "utf-8")
        known.add(work_folder(folder))
        assert len(known) == 1 + n_changes, (file, changes)


@pytest.mark.parametrize("returned", [True, False])
def test_a_part_that_could_not_be_made_is_made_the_next_time(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, returned: bool
) -> None:
    rows = open_rows(write_rows(tmp_path, 20), classifier)
    few = AuditOptions(n_cells=0, n_counterfactuals=0, max_explained=1)

    def fail(*_: object, **__: object) -> Missing:
        if returned:
            return Missing(missing="The base model is away.")
        raise RunError("The base model is away.")

    with monkeypatch.context() as patch:
        patch.setattr(parts, "find_label_errors", fail)
        failed = audit(classifier, rows, options=few, folder=tmp_path / "audit")
    assert failed.record.label_errors == Missing(missing="The base model is away.")
    made = audit(classifier, rows, options=few, folder=tmp_path / "audit")
    assert not isinstance(made.record.label_errors, Missing)


def test_what_is_known_so_far_can_be_looked_at(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_reading, "FIRST_ROWS", 16)
    run = AuditRun(classifier, open_rows(write_rows(tmp_path), classifier), FEW)
    seen: list[int] = []
    assert isinstance(run.latest.record.measures, Missing)

    def look(_: float) -> None:
        audit_so_far = run.latest
        known = audit_so_far.table["prediction"].notna().sum()
        assert known == audit_so_far.record.n_read
        seen.append(int(known))

    thread = threading.Thread(target=run.run, args=(look,))
    thread.start()
    thread.join()
    assert seen[0] == 0
    assert len(set(seen)) > 2


def test_near_copies_with_another_label_point_at_each_other(classifier: Classifier) -> None:
    rows = rows_from(
        [
            {"text": "Oil prices rise as stocks fall in the market", "label": "Business"},
            {"text": "oil prices rise as stocks fall in the market!", "label": "World"},
            {"text": "Oil prices rise as stocks fall in the market", "label": "Business"},
            {"text": "The team wins the game", "label": "Sports"},
            {"text": "the team wins the game", "label": "Sports"},
            {"text": "The team wins the game", "label": None},
            {"text": "", "label": "World"},
        ],
        classifier,
    )
    assert list(conflicting_copies(rows)) == [1, 0, 1, -1, -1, -1, -1]


def test_a_score_of_minus_one_is_a_label_of_near_copies(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path, labels=("score",), problem_type="regression")
    records: list[dict[str, object]] = [
        {"text": "Oil prices rise as stocks fall", "score": -1.0},
        {"text": "oil prices rise as stocks fall!", "score": 1.0},
        {"text": "The team wins the game", "score": -1.0},
        {"text": "The team wins the game", "score": None},
    ]
    rows = rows_from(records, Classifier.load(folder))
    assert list(conflicting_copies(rows)) == [1, 0, -1, -1]


def test_what_is_damaged_in_the_cache_is_worked_out_again(tmp_path: Path) -> None:
    indices, settings = np.array([2, 0]), {"a": 1}
    cache = AuditCache(tmp_path, settings)
    cache.prepare()
    cache.add_rows("rows", indices, {"logits": np.eye(2)})
    cache.add("part", Missing, NOT_YET)
    assert cache.folder is not None
    again = AuditCache(tmp_path, settings)
    assert again.get("part", Missing) == NOT_YET
    ((kept, arrays),) = again.rows("rows")
    assert (kept == indices).all()
    assert (arrays["logits"] == np.eye(2)).all()
    for file in cache.folder.iterdir():
        content = file.read_bytes()
        for damaged in (b"", content[:-1], b"PK\3\4" + content[4:], content[:40] + content[41:]):
            file.write_bytes(damaged)
            if file.suffix == ".json":
                assert again.get("part", Missing) is None
            else:
                assert list(again.rows("rows")) == []


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    AuditCache(tmp_path, 1).prepare()
    (tmp_path / FOLDER / "photos").mkdir()
    cache = AuditCache(tmp_path, 2)
    cache.prepare()
    assert cache.folder is not None
    assert {file.name for file in (tmp_path / FOLDER).iterdir()} == {cache.folder.name, "photos"}
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / FOLDER).symlink_to(tmp_path / FOLDER)
    with pytest.raises(SelectionError, match="is a link"):
        AuditCache(linked, 3).prepare()
    assert cache.folder.is_dir()


def test_states_are_of_all_rows_or_of_none(classifier: Classifier, tmp_path: Path) -> None:
    rows = rows_from(["oil prices", "the team", " "], classifier)
    cache = AuditCache(tmp_path, 0)
    cache.prepare()
    part = predict(classifier, ["oil prices"])
    names = ("read", "logits", "n_tokens", "n_unseen")
    cache.add_rows("rows", np.array([0]), {name: getattr(part, name) for name in names})
    *_, last = read_rows(classifier, "rows", rows, cache=cache)
    assert list(last.read) == [True, True, False]
    assert last.states is None


def test_special_tokens_in_texts_are_said(classifier: Classifier) -> None:
    texts = ["oil [MASK] prices", "the [SEP] team [MASK]", "oil [mask prices", "oil"]
    notes = audit(classifier, texts, options=FEW).record.notes
    assert "In 2 rows [MASK], [SEP] are read as special tokens." in notes


def test_the_passes_of_an_audit_add_up_to_those_expected_whether_it_was_kept_or_not(
    classifier: Classifier, tmp_path: Path
) -> None:
    rows = open_rows(write_rows(tmp_path, 20), classifier)
    for _ in range(2):
        counts: list[float] = []
        run = AuditRun(classifier, rows, FEW, folder=tmp_path / "audit")
        run.run(counts.append)
        assert sum(counts) == pytest.approx(run.expected_passes)


def test_rows_of_more_tokens_than_training_read_are_counted(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "short")
    edit_config(folder, text_max_length=16)
    few = AuditOptions(n_cells=0, n_counterfactuals=0, max_explained=1)
    notes = audit(Classifier.load(folder), ["oil " * 40, "oil"], options=few).record.notes
    assert notes[-1].startswith("1 row has more than the 16 tokens at which training cut texts")
    assert len(audit(Classifier.load(folder), ["oil"], options=few).record.notes) == len(notes) - 1


def test_a_checkpoint_of_windows_says_how_they_are_read(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "windows")
    edit_config(folder, **{STRIDE_KEY: 16})
    classifier = Classifier.load(folder)
    long = " ".join(["oil"] * (classifier.encoder.max_tokens + 9))
    few = AuditOptions(n_cells=0, n_counterfactuals=0, max_explained=1)
    result = audit(classifier, [long, "oil"], options=few)
    assert result.record.notes[-1] == (
        "Texts of more than 64 tokens are read in overlapping windows, 16 tokens from one to the "
        "next at most; what is predicted is the mean of their logits."
    )
    assert list(result.table["windows"]) == [2, 1]
    assert ONE_WINDOW in audit(classifier.with_windows(None), [long], options=few).record.notes
    assert len(audit(classifier, ["oil"], options=few).record.notes) == 1
