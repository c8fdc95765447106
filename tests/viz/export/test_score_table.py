"""The table of a faithfulness record: what files say of every method is what the record says."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from typer.testing import CliRunner, Result

from viz.__main__ import app
from viz.export.csv_cells import unguarded
from viz.export.score_table import method_name, ranked, score_table, written
from viz.export.score_table_formats import TABLE_FORMATS, markdown
from viz.faithfulness.degraded import PERCENTS, DegradedMetric, MetricTest
from viz.faithfulness.interval import Interval
from viz.faithfulness.judge_scores import JudgeScores
from viz.faithfulness.metrics import TESTED
from viz.faithfulness.planted_scores import (
    PlantedChance,
    PlantedMethod,
    PlantedScores,
    PlantedWord,
)
from viz.faithfulness.record import FILE, FaithfulnessRecord, load
from viz.model.classifier import default_checkpoint
from viz.model.installation import version
from viz.model.perturbation import OPERATORS

NAME = r"=50%_of #1 & {a}^b~\c|d−e"
"""A name with all that LaTeX, Markdown and spreadsheets act on."""


@pytest.fixture(scope="module")
def record() -> FaithfulnessRecord:
    """That of the shipped checkpoint, with parts that it lacks; one metric failed its test."""
    shipped = load(default_checkpoint() / FILE)
    means = tuple(1 - percent / 100 for percent in PERCENTS)
    under = {
        operator: {
            name: DegradedMetric(means, 0.5 if (name, operator) == FAILED else 1.0)
            for name in TESTED
        }
        for operator in OPERATORS
    }
    methods = tuple(
        replace(
            one,
            under={
                operator: replace(under, naopc=Interval(0.5, 0.25, 0.75))
                for operator, under in one.under.items()
            },
        )
        for one in shipped.methods
    )
    found = PlantedMethod(20, Interval(0.75, 0.5, 0.9), Interval(0.8, 0.6, 0.95))
    word = PlantedWord("zeugma", "Sports", 20, 0, {"mask": Interval(1.0, 0.8, 1.0)})
    return replace(
        shipped,
        checkpoint=NAME,
        methods=methods,
        worst=dict.fromkeys(OPERATORS, 0.1),
        metric_test=MetricTest("decomposition", "Decomposition", PERCENTS, 40, under),
        judge=JudgeScores(
            checkpoint="twin",
            fingerprint="f" * 64,
            masking=True,
            n_texts=200,
            n_agree=190,
            methods={one.method: one.under for one in methods[:3]},
            random=shipped.random,
            best=shipped.best,
            worst=dict.fromkeys(OPERATORS, 0.1),
        ),
        planted=PlantedScores((word,), 0, {"occlusion": found}, PlantedChance(0.1, 0.3)),
    )


FAILED = ("comprehensiveness", "mask")


def test_csv_holds_all_numbers_of_the_record(record: FaithfulnessRecord) -> None:
    rows = list(csv.DictReader(io.StringIO(TABLE_FORMATS["csv"].write(record).decode())))
    assert [row["method"] for row in rows] == [one.method for one in ranked(record)]
    methods = {one.method: one for one in record.methods}
    for row in rows:
        one = methods[row["method"]]
        assert float(row["passes"]) == one.passes
        assert float(row["mean_share"]) == record.mean_share(one)
        for operator, under in one.under.items():
            for name, mean in under.means.items():
                if (name, operator) != FAILED:
                    assert float(row[f"{operator}_{name}"]) == mean
                    difference = under.minus_random[name]
                    assert float(row[f"{operator}_{name}_minus_random_low"]) == difference.low
            for column, interval in (("share", under.share), ("naopc", under.naopc)):
                assert interval is not None
                ends = (interval.mean, interval.low, interval.high)
                cells = [row[f"{operator}_{column}{end}"] for end in ("", "_low", "_high")]
                assert tuple(map(float, cells)) == ends
        assert "mask_comprehensiveness" not in row
        assert unguarded(row["checkpoint"]) == NAME
        assert row["checkpoint"].startswith("'=")
        assert (row["fingerprint"], row["data_fingerprint"]) == (
            record.fingerprint,
            record.data_fingerprint,
        )
        assert (row["seed"], row["clsight"]) == (str(record.seed), version())
        judged = record.judge is not None and row["method"] in record.judge.methods
        assert bool(row["mask_judge_share"]) == judged
        assert (row["planted_precision"] == "0.75") == (row["method"] == "occlusion")


SECTIONS = ("Words hidden by [MASK]", "Words hidden by deletion", "Words that were planted")
HEADERS = (
    ("Method", "Passes", "Share", "NAOPC", "Twin's share", "Suff. − random"),
    ("Method", "Passes", "Share", "NAOPC", "Twin's share", "Comp. − random", "Suff. − random"),
    ("Method", "Texts", "Precision at 1", "Mean reciprocal rank"),
)


def expected(record: FaithfulnessRecord) -> list[list[tuple[str, ...]]]:
    """The rows of each section, as the record says."""
    sections = []
    for operator, metrics in (("mask", ()), ("delete", ("comprehensiveness",))):
        rows = []
        for one in ranked(record):
            under, judge = one.under[operator], record.judge
            assert judge is not None
            cells = [under.share, under.naopc, judge.share(one.method, operator)]
            differences = [under.minus_random[name] for name in (*metrics, "sufficiency")]
            rows.append(
                (
                    method_name(one),
                    f"{one.passes:,.0f}",
                    *map(written, cells),
                    *(written(each, 3) for each in differences),
                )
            )
        sections.append(rows)
    planted = ("Occlusion", "20", "0.75 (0.50 to 0.90)", "0.80 (0.60 to 0.95)")
    return [*sections, [planted, ("Expected of a random order", "–", "0.10", "0.30")]]


def test_markdown_holds_the_record_with_numbers_to_the_right(record: FaithfulnessRecord) -> None:
    text = TABLE_FORMATS["md"].write(record).decode()
    plain = re.sub(r"\\(.)", r"\1", text)
    assert text.splitlines()[0].endswith(r"for =50%\_of \#1 & \{a\}^b\~\\c\|d−e**")
    assert [line[1:-1] for line in plain.splitlines() if re.match(r"\*[^*]", line)] == [*SECTIONS]
    blocks = [block.splitlines() for block in plain.split("\n\n") if block.startswith("| ")]
    for block, header, rows in zip(blocks, HEADERS, expected(record), strict=True):
        cells = [tuple(line[2:-2].split(" | ")) for line in block]
        assert cells[0] == header
        assert cells[1] == (":--", *["--:"] * (len(header) - 1))
        assert cells[2:] == rows


def test_latex_holds_the_record_and_escapes_what_latex_acts_on(record: FaithfulnessRecord) -> None:
    text = TABLE_FORMATS["tex"].write(record).decode()
    written_name = (
        r"=50\%\_of \#1 \& \{a\}\textasciicircum{}b\textasciitilde{}\textbackslash{}c|d"
        r"\textminus{}e"
    )
    assert rf"\caption{{Faithfulness of attribution methods for {written_name}. " in text
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    for rule, count in (("toprule", 1), ("midrule", 5), ("bottomrule", 1)):
        assert text.count(rf"\{rule}") == count
    assert "−" not in text
    body = text.partition(r"\toprule")[2].partition(r"\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert not any(line.startswith(("[", "*")) for line in lines)
    cells = iter(
        tuple(cell.strip() for cell in line.removesuffix(r"\\").split(" & ")) for line in lines
    )
    replaced = {r"\textminus{}": "−", r"\texttimes{}": "×"}
    for title, header, rows in zip(SECTIONS, HEADERS, expected(record), strict=True):
        assert next(cells) == (rf"\multicolumn{{7}}{{@{{}}l}}{{\emph{{{title}}}}}",)
        for row in (header, *rows):
            found = next(cells)
            assert len(found) == 7  # as many as columns of the table
            for sign, plain in replaced.items():
                found = tuple(cell.replace(sign, plain) for cell in found)
            assert found == (*row, *[""] * (7 - len(row)))


def test_what_is_said_with_it_names_what_it_is_of_and_what_it_does_not_say(
    record: FaithfulnessRecord,
) -> None:
    plain = re.sub(r"\\(.)", r"\1", TABLE_FORMATS["md"].write(record).decode())
    judge, test, planted = record.judge, record.metric_test, record.planted
    assert judge is not None
    assert test is not None
    assert planted is not None
    for sentence in (
        f"(weights {record.fingerprint[:12]}) on 200 texts of {record.data} "
        f"({record.data_fingerprint[:12]}), seed 0; CLSight {version()}.",
        "It doesn't say that the checkpoint is right",
        "Comp.: comprehensiveness, text by text minus that of random orders, higher is better.",
        judge.sentence,
        test.sentence,
        planted.sentence,
    ):
        assert sentence in plain
    assert "Comprehensiveness (0.500 by [MASK])" in plain


@pytest.mark.parametrize(
    ("n_texts", "said"),
    [
        (1, "Only 1 text was measured, so that intervals have no width and say nothing."),
        (9, "Only 9 texts were measured, so that intervals are narrower than they should be."),
        (10, None),
    ],
)
def test_what_few_texts_cannot_say_is_said(
    record: FaithfulnessRecord, n_texts: int, said: str | None
) -> None:
    notes = score_table(replace(record, n_texts=n_texts)).notes
    assert [note for note in notes if note.startswith("Only ")] == ([said] if said else [])


def test_few_texts_behind_one_column_are_said_too(record: FaithfulnessRecord) -> None:
    assert record.judge is not None
    assert record.planted is not None
    (found,) = record.planted.methods.values()
    few = replace(
        record,
        judge=replace(record.judge, n_texts=2),
        planted=replace(record.planted, methods={"occlusion": replace(found, n_texts=1)}),
    )
    assert record.caution == ""
    assert few.caution == (
        "Only 2 texts were judged by the twin, so that its intervals are narrower than they should "
        "be. Only 1 text was searched for a planted word, so that intervals of its mean rank have "
        "no width and say nothing."
    )
    assert few.caution in score_table(few).notes
    all_texts = replace(few, n_texts=2)  # the twin judged each, of which nothing more is said
    assert all_texts.caution.startswith("Only 2 texts were measured, so that intervals are")
    assert "twin" not in all_texts.caution


def test_notes_name_the_order_and_the_intervals_that_there_are(
    record: FaithfulnessRecord,
) -> None:
    def notes(record: FaithfulnessRecord) -> str:
        return " ".join(score_table(record).notes)

    order, bootstrap = "Methods stand in the order of their mean share.", "bootstrap resamples of"
    wilson = "; that of precision at 1 is a Wilson interval."
    meaning = "Mean reciprocal rank: the mean of 1 / the place of that word."
    for sentence in (order, bootstrap, wilson, meaning):
        assert sentence in notes(record)
    plain = notes(replace(record, planted=None))
    assert bootstrap in plain
    assert wilson not in plain
    assert meaning not in plain
    assert record.metric_test is not None
    for failed, titles in ((("aopc",), SECTIONS), (tuple(TESTED), SECTIONS[-1:])):
        under = {
            operator: {
                name: replace(one, spearman=0.5) if name in failed else one
                for name, one in metrics.items()
            }
            for operator, metrics in record.metric_test.under.items()
        }
        unranked = replace(record, metric_test=replace(record.metric_test, under=under))
        assert order not in notes(unranked)
        assert wilson in notes(unranked)
        assert tuple(section.title for section in score_table(unranked).sections) == titles


@pytest.mark.parametrize("masking", [True, False, None])
def test_a_twin_knows_hidden_words_only_where_its_record_says_so(
    record: FaithfulnessRecord, masking: bool | None
) -> None:
    assert record.judge is not None
    judge = replace(record.judge, masking=masking)
    said = " ".join(score_table(replace(record, judge=judge)).notes)
    assert ("a twin that knows hidden words." in said) == (masking is True)


@pytest.mark.parametrize("name", ["&lt;b&gt;", "1. a", "+ a", "- a", "2) a", "a | b"])
def test_no_name_of_a_checkpoint_is_markup(record: FaithfulnessRecord, name: str) -> None:
    written = markdown(replace(record, checkpoint=name)).decode()
    tokens = MarkdownIt("commonmark").enable("table").parse(written)
    assert not {each.type for each in tokens} & {"ordered_list_open", "bullet_list_open"}
    texts = ["".join(c.content for c in t.children or ()) for t in tokens if t.type == "inline"]
    assert any(text.startswith(f"{name} (weights") for text in texts)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["score", *arguments])


def test_tables_are_made_of_the_record_that_is_there(
    record: FaithfulnessRecord, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_text(record.to_json())
    files = [tmp_path / f"t.{ending}" for ending in TABLE_FORMATS]
    named = [part for file in files for part in ("--table", str(file))]
    result = run("--output", str(tmp_path / FILE), *named)
    assert (result.exit_code, result.stdout.split()) == (0, [*map(str, files)])
    for file, format in zip(files, TABLE_FORMATS.values(), strict=True):
        assert file.read_bytes() == format.write(record)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "No texts were named: give a file with --data, or write the record that is there as"),
        (("--table", "t.xlsx"), "--table 't.xlsx' is not a table; end its name with one of .md"),
        (("--table", "t.md", "--seed", "1"), "--seed does nothing without --data, where the"),
        (("--table", "t.md", "--output", "none.json"), "'none.json' can't be read: No such file"),
        (
            ("--table", "t.md", "--checkpoint", "owner/name"),
            "'owner/name' has no folder on this machine to read faithfulness.json from; name a",
        ),
    ],
)
def test_what_makes_no_table_is_one_sentence(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(message)
