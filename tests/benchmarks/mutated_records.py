"""Every kind of record damaged some hundred times, read by its reader and drawn by its page.

    python -m tests.benchmarks.mutated_records [--count 300] [--seed 0] [kind ...]

Nothing may be raised but the one sentence of a VizError or FinetuneError.  It takes some minutes.
"""

import argparse
import csv
import json
import os
import tempfile
import time
import tomllib
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pyarrow as pa

from finetune.data.check.run import check_data
from finetune.errors import FinetuneError
from finetune.evaluation.quality import draw_plots
from finetune.evaluation.regression import measure_scores
from finetune.evaluation.report.card import model_card
from finetune.evaluation.report.terminal import describe_run
from finetune.run.config import TrainConfig
from finetune.run.config_file import read_config_file, write_config_file
from finetune.run.measurements import Metrics
from finetune.run.record import EpochMetrics, RunRecord, ScoreRange, SeedRecord
from finetune.run.saved_settings import load_settings, save_settings
from finetune.run.snapshot_folders import verify, write_manifest
from tests.audits import full_audit
from tests.damaged_files import mutated_lines, mutated_words, mutations
from tests.tiny_models import LABELS, tiny_checkpoint
from tests.viz.rooms import START, epoch, finish, leave, step
from viz import Classifier
from viz.app.markdown import plain
from viz.app.panels import active_runs, new_run, quality, results, sanity, scores
from viz.attribution.method_spec import MethodSpec
from viz.data.audit import record as audit_record
from viz.data.audit.summary import summary
from viz.errors import VizError
from viz.export import dataset_export
from viz.export.dataset_export import DatasetExport
from viz.export.formats import render
from viz.export.index import ExportIndex
from viz.export.json_reader import read_records
from viz.export.options import ExportOptions
from viz.export.replay import replay
from viz.export.request import FigureRequest
from viz.faithfulness import record, sanity_record
from viz.faithfulness.judge import Judge
from viz.faithfulness.score import ScoreRun
from viz.faithfulness.score_row import ScoreConfig
from viz.faithfulness.summary import summarize
from viz.figures.plots.faithfulness import faithfulness_chart
from viz.figures.plots.matrix import MOST, confusion_map
from viz.figures.plots.training import MEASURES, comparison, loss_chart, measured, quality_chart
from viz.figures.render_options import RenderOptions
from viz.model.classifier import default_checkpoint
from viz.model.text_files import open_texts
from viz.runs import base_model, data_check, files, launch, state

Use = Callable[[], None]
"""Reads a file where it lies, and draws it."""
TEXTS = "Oil prices rise as stocks fall", "team wins the game and the market rise"
DRAWN = 10
"""One in so many runs is drawn by matplotlib too, which is slow."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record."""

    file: Path
    use: Use
    mutate: Callable[[bytes, int, int], Iterator[bytes]] = mutations


@dataclass(frozen=True, slots=True)
class Found:
    """What became of the damaged files of one kind."""

    kind: str
    shown: int
    refused: int
    raised: tuple[str, ...]
    slowest: float
    """Seconds."""


def _json(values: object) -> str:
    return json.dumps(values, allow_nan=False)


def _as_table(rows: Sequence[Any]) -> None:
    """What Streamlit makes of the rows of a table."""
    pa.Table.from_pandas(pd.DataFrame(list(rows)))


def use_run(folder: Path, beside: str) -> None:
    """A finished run on the Train page, in the terminal and on its card."""
    known = {run.name: run for run in state.runs()}
    if known[beside].state != "finished":
        raise AssertionError("another run is lost")
    run = known[folder.name]
    _use_listed(run)
    if run.record is None:
        RunRecord.load(folder)
        return
    found = run.record
    model_card(found)
    describe_run(found)
    for metrics in (found.validation, found.test):
        if isinstance(metrics, Metrics) and metrics.confusion and len(metrics.classes) <= MOST:
            confusion_map(metrics.confusion, list(metrics.confusion_labels)).to_json()
    for metrics in (found.validation, found.test, *(made.validation for made in found.baselines)):
        if metrics is not None:
            _as_table([quality._measured(metrics)])
    if hash(found.created) % DRAWN == 0:
        with tempfile.TemporaryDirectory() as place:
            failed: list[str] = []
            draw_plots(found, Path(place), say=failed.append)
            assert not failed, failed


def _use_listed(run: state.Run) -> None:
    _as_table([results._row(run)])
    for chart in (loss_chart(run), quality_chart(run)):
        _json([chart.spec, chart.rows])
        pa.Table.from_pandas(pd.DataFrame(chart.rows))
    for measure in measured([run]):
        _json(comparison([run], measure).rows)
    assert set(measured([run])) <= set(MEASURES)
    active_runs._share_done(run)
    active_runs._stage(run) if run.state == "running" or run.history.steps else None
    active_runs._ending(run)


def use_listed(name: str) -> None:
    """A run that goes on, on the Train page."""
    (run,) = [run for run in state.runs() if run.name == name]
    _use_listed(run)
    _use_listed(replace(run, state="running", has_events=True))
    base_model.last_base_model()
    launch.free_name(name)
    with patch.object(launch, "is_locked", return_value=True), patch.object(launch, "_interrupt"):
        launch.stop(name)


def use_settings(work: Path, name: str) -> None:
    """The same, and the command that goes on with it."""
    use_listed(name)
    load_settings(work)


def use_faithfulness(file: Path) -> None:
    """The chart and the table of the Faithfulness page."""
    found = record.load(file)
    for operator in found.random:
        faithfulness_chart(found, operator).to_json()
    ranked = sorted(found.methods, key=lambda one: found.mean_share(one) or 0.0)
    _as_table([scores._entries(one, found) for one in ranked if one.under])
    scores._columns(found)
    found.to_json()
    if (best_method := found.best_method()) is not None:
        with suppress(VizError):
            MethodSpec.parse(best_method)


def use_audit(file: Path) -> None:
    """What the command says of an audit, and the file written again."""
    audit = audit_record.load(file)
    list(summary(audit))
    audit.to_json()


def use_sanity(file: Path) -> None:
    """The panel of sanity checks."""
    found = sanity_record.load(file)
    for each in found.methods:
        found.flags(each)
    _as_table([sanity._entries(each, found) for each in found.methods if each.refused is None])
    sanity._columns(found)
    found.to_json()


def use_saved(file: Path, classifier: Classifier) -> None:
    """A replay, up to the last number."""
    for saved in read_records(file):
        saved.checkpoint, saved.fingerprint  # noqa: B018
        replay(saved, classifier)


def use_partial_results(run: ScoreRun) -> None:
    """A run of `score` that goes on: what can't be used is scored again."""
    summarize(run.classifier, run.texts, run.config, run.results()).to_json()


def use_index(folder: Path) -> None:
    """An export of a data set that goes on."""
    index = ExportIndex.open(folder)
    _ = 0 in index
    index.close()


def use_recipe(file: Path) -> None:
    """A training from a recipe."""
    found = read_config_file(file)
    given = {"model": "x", "output": "x", "data": ["x"]} | found
    given |= {"data": tuple(given["data"]), "output": Path(given["output"])}
    config = TrainConfig(**given)
    config.command()


def use_report(file: Path) -> None:
    """What the Train page shows of a check."""
    found = data_check._REPORT.read(file)
    _ = ", ".join(f"{number:,} {role}" for role, number in found.rows.items())
    _json([plain(each.sentence) + new_run.ICONS[each.severity] for each in found.findings])


class Kinds:
    """All kinds, each with a file that is right.

    Args:
        place: A folder to make them in.
    """

    def __init__(self, place: Path) -> None:
        self.place = place
        self.room = place / "runs"
        os.environ[files.FOLDER_VARIABLE] = str(self.room)
        self.checkpoint = tiny_checkpoint(place / "tiny", labels=LABELS)
        self.classifier = Classifier.load(self.checkpoint)

    def all(self) -> dict[str, Kind]:
        """By name."""
        self.room.mkdir()
        return {**self._of_runs(), **self._of_methods(), **self._of_exports(), **self._others()}

    def _of_runs(self) -> dict[str, Kind]:
        finish(self.room, "beside")
        finish(self.room, "classes")
        point = EpochMetrics(
            epoch=1, train_loss=0.5, validation_loss=0.5, measured={"r2": 0.5, "rmse": 2.0}
        )
        gold = pd.Series([1.0, 2.0, 3.5, 5.0]).to_numpy()
        scored = measure_scores(gold, gold + 0.25)
        like = RunRecord.load(default_checkpoint())
        spread = ScoreRange(mean=1.0, deviation=1.0, lowest=0.0, highest=2.0)
        finish(
            self.room,
            "scores",
            labels=("stars",),
            problem_type="regression",
            splits={
                name: replace(split, class_counts={}, scores=spread)
                for name, split in like.splits.items()
            },
            epochs=(point,),
            best_epoch=1,
            validation=scored,
            test=scored,
            seeds=tuple(
                SeedRecord(seed=seed, validation=point.measured, test=point.measured)
                for seed in (1, 2)
            ),
        )
        work = leave(self.room, "stopped", [START, *map(step, range(1, 11)), epoch(1), step(12)])
        config = TrainConfig(data=("rows.csv",), model="tiny", output=Path("x"))
        save_settings(config, {"train": "ab"}, work)
        note = self.room / "logs" / "stopped.json"
        return {
            "run.json": Kind(
                self.room / "classes" / "run.json",
                lambda: use_run(self.room / "classes", "beside"),
            ),
            "run.json of scores": Kind(
                self.room / "scores" / "run.json", lambda: use_run(self.room / "scores", "beside")
            ),
            "settings": Kind(work / "settings.json", lambda: use_settings(work, "stopped")),
            "note": Kind(note, lambda: use_listed("stopped")),
            "events": Kind(work / "events.jsonl", lambda: use_listed("stopped"), mutated_lines),
        }

    def _of_methods(self) -> dict[str, Kind]:
        kinds = {}
        uses = {record.FILE: use_faithfulness, sanity_record.FILE: use_sanity}
        for name, use in uses.items():
            file = self.place / name
            file.write_bytes((default_checkpoint() / name).read_bytes())
            kinds[name] = Kind(file, partial(use, file))
        audit = self.place / audit_record.FILE
        audit.write_text(full_audit().record.to_json(), "utf-8")
        kinds[audit_record.FILE] = Kind(audit, partial(use_audit, audit))
        data = self.place / "texts.csv"
        with data.open("w", encoding="utf-8", newline="") as rows:
            csv.writer(rows).writerows([["text"], *([text] for text in TEXTS)])
        config = ScoreConfig(("decomposition", "saliency"))
        folder = self.place / "score.partial"
        judge = Judge(self.classifier, self.classifier)
        run = ScoreRun(self.classifier, open_texts(data), config, folder, judge)
        assert list(run.score(run.rows_left()))
        judged = summarize(self.classifier, run.texts, config, run.results(), judge)
        faithfulness = self.place / record.FILE
        whole = replace(record.load(faithfulness), judge=judged.judge)
        faithfulness.write_text(whole.to_json(), "utf-8")
        shard = folder / "shard-0.jsonl"
        kinds["partial results"] = Kind(shard, lambda: use_partial_results(run), mutated_lines)
        return kinds

    def _of_exports(self) -> dict[str, Kind]:
        kinds = {}
        reading = self.classifier.read(TEXTS[0])
        requests = {
            "saved attention": FigureRequest(kinds=("head",), layer=1, head=2),
            "saved attribution": FigureRequest(kinds=("attribution",), method="occlusion"),
        }
        for name, request in requests.items():
            (spec,) = request.specs(self.classifier, reading)
            file = self.place / f"{name}.json"
            file.write_bytes(render(spec, "json"))
            kinds[name] = Kind(file, partial(use_saved, file, self.classifier))
        folder = self.place / "exported"
        texts = open_texts(self.place / "texts.csv")
        made = ExportOptions(
            request=requests["saved attribution"], formats=("csv",), render_options=RenderOptions()
        )
        asked = DatasetExport(self.classifier, texts, made, folder)
        assert list(asked.run())
        settings = folder / dataset_export.SETTINGS
        kinds["index"] = Kind(folder / ExportIndex.NAME, lambda: use_index(folder), mutated_words)
        kinds["table"] = Kind(
            sorted(folder.glob("0*.csv"))[0], lambda: use_index(folder), mutated_words
        )
        kinds["settings of an export"] = Kind(
            settings, lambda: dataset_export._claim_folder(folder, asked._settings())
        )
        return kinds

    def _others(self) -> dict[str, Kind]:
        snapshot = self.place / "checkpoint-4"
        snapshot.mkdir()
        (snapshot / "optimizer.pt").write_bytes(b"weights")
        write_manifest(snapshot)
        write_config_file(
            TrainConfig(data=("rows.csv",), model="tiny", output=Path("x"), learning_rate=1e-4),
            self.place,
        )
        rows = self.place / "labeled.csv"
        rows.write_text("text,label\n" + "a text,one\nanother,two\n" * 3, "utf-8")
        report = self.place / "check.json"
        config = TrainConfig(data=(str(rows),), model="tiny", output=Path("x"))
        check_data(config).save(report)
        recipe = self.place / "train.toml"
        assert tomllib.loads(recipe.read_text("utf-8"))
        return {
            "check report": Kind(report, partial(use_report, report)),
            "manifest": Kind(snapshot / "manifest.json", lambda: verify(snapshot)),
            "recipe": Kind(recipe, lambda: use_recipe(recipe), mutated_words),
        }


def check(name: str, kind: Kind, count: int, seed: int) -> Found:
    """Damage a file *count* times, and put it back."""
    right = kind.file.read_bytes()
    kind.use()
    raised: list[str] = []
    told: Counter[str] = Counter()
    slowest = 0.0
    for content in kind.mutate(right, count, seed):
        kind.file.write_bytes(content)
        started = time.perf_counter()
        try:
            kind.use()
            told["shown"] += 1
        except (VizError, FinetuneError) as error:
            told["refused"] += 1
            if len(str(error).splitlines()) != 1 or len(str(error)) > 600:
                raised.append(f"a sentence of {len(str(error))} letters: {str(error)[:300]!r}")
            str(error).encode()
        except Exception:
            last = traceback.format_exc(limit=-6)
            raised.append(f"{content[:200]!r}\n{last[-2500:]}")
        slowest = max(slowest, time.perf_counter() - started)
    kind.file.write_bytes(right)
    return Found(name, told["shown"], told["refused"], tuple(raised), slowest)


def main() -> None:
    """Print a line for each kind, and what was raised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    raised = 0
    with tempfile.TemporaryDirectory() as place:
        kinds = Kinds(Path(place)).all()
        for name, kind in kinds.items():
            if options.kinds and name not in options.kinds:
                continue
            started = time.perf_counter()
            found = check(name, kind, options.count, options.seed)
            raised += len(found.raised)
            print(
                f"{name:<24} {options.count} damaged: {found.shown} shown, "
                f"{found.refused} refused, {len(found.raised)} raised; "
                f"{time.perf_counter() - started:.0f} s, slowest "
                f"{found.slowest:.2f} s",
                flush=True,
            )
            for each in found.raised[:3]:
                print("   ", each.replace("\n", "\n    "))
    raise SystemExit(raised > 0)


if __name__ == "__main__":
    main()
