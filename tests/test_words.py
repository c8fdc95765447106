"""Words that are ours no longer: a dialect of names, British spelling, foreign grammar.

The glossary in `viz/README.md` says which words are.  Once a word is gone, add it here with what
stands in its place, so that it doesn't come back.
"""

import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.readmes import READMES

ROOT = Path(__file__).resolve().parents[1]
CODE = (
    ROOT / "app.py",
    *sorted(
        file
        for room in ("viz", "finetune")
        for kind in ("py", "js", "css")
        for file in (ROOT / room).rglob(f"*.{kind}")
        if "vendor" not in file.parts
    ),
)
PROSE = (*(readme.path for readme in READMES), *sorted((ROOT / ".github").rglob("*.md")))

FILES = {
    "absdot": "decompx",
    "answers": "background",
    "asked": "export_options",
    "attattr": "attention_attribution",
    "bows": "arc_paths",
    "bundle": "archive",
    "cascade": "weight_randomization",
    "charts": "figures/plots",
    "clusters": "graphemes",
    "components": "widgets",
    "control": "random_baseline",
    "curves": "figures/plots/training",
    "dataset": "data",
    "direction": "bidi",
    "disk": "atomic_files",
    "ending": "shutdown",
    "entry": "method_spec",
    "exchange": "local_search",
    "facts": "statistics",
    "faded": "decomposition_path",
    "few": "abbreviate",
    "grain": "grid",
    "guard": "request_guard",
    "headmap": "figures/plots/heads",
    "hiding": "masking",
    "host": "page_theme",
    "hues": "colors",
    "intervals": "bootstrap",
    "keeping": "snapshot_callback",
    "kept": "cache",
    "learning": "training",
    "likeness": "rank_similarity",
    "measuring": "evaluation",
    "named": "class_names",
    "near": "near_duplicates",
    "needs": "requirements",
    "one": "export",
    "outcome": "results",
    "path": "integrated_gradients",
    "pictures": "widgets",
    "place": "source",
    "places": "checkpoint_folders",
    "litBy": "headFilter",
    "plate": "spec",
    "plus": "decomposition_plus",
    "prefix": "aopc",
    "privacy": "telemetry",
    "pulse": "poll",
    "quiet": "quiet_libraries",
    "ranks": "rank_correlation",
    "reactions": "sanity_record",
    "recipe": "config_file",
    "removal": "deletion",
    "reporting": "report",
    "saved": "json_reader",
    "saving": "run",
    "scoring": "score_file",
    "scripts": "missing_fonts",
    "search": "best_order",
    "series": "dataset_export",
    "serving": "server",
    "shards": "partial_results",
    "sheet": "layout",
    "shingles": "minhash",
    "shrinkage": "empirical_bayes",
    "space": "disk_space",
    "spread": "seed_spread",
    "start": "preload",
    "tint": "color_scale",
    "trust": "faithfulness",
    "typos": "label_typos",
    "waiting": "job_progress",
    "why": "explanation",
    "work": "jobs",
    "wrap": "line_wrap",
    "zeroing": "value_zeroing",
}
"""Names of files and folders, and what they are called now."""

NAMES = {
    "AS_READ": "FULL_TEXT_ATTENTION_WEIGHT",
    "ATTATTR": "ATTENTION_ATTRIBUTION",
    "Asked": "ExportOptions, MethodSpec",
    "Begun": "StartSettings",
    "Course": "SeedHistory",
    "DEAF": "SAME_NETWORK_CORRELATION",
    "FADED": "DECOMPOSITION_PATH",
    "Fact": "Statistic",
    "Fading": "MaskingPath",
    "Grain": "CellGrid",
    "HUES": "CATEGORICAL",
    "HeadFacts": "HeadStatistics",
    "Job": "ScoreConfig",
    "Line": "RowResult",
    "Linearised": "LinearizedFunctions",
    "Lives": "IsPresent",
    "Look": "RenderOptions",
    "MOST_ARCS": "MAX_ARCS",
    "PASSES": "a name with its unit",
    "PLUS": "DECOMPOSITION_PLUS",
    "POINTER": "SELECTION",
    "Plate": "FigureSpec",
    "Reaction": "SanityResult",
    "Said": "OrderEffects",
    "Scoring": "ScoreRun",
    "Shards": "PartialResults",
    "Sheet": "layout",
    "Split": "TokenScores",
    "StopWish": "GracefulStop",
    "Story": "PageContent",
    "Strongest": "TopKeys",
    "TELLING": "a name with its unit",
    "TINY": "a name with its unit",
    "Thawing": "GradualUnfreezing",
    "Tick": "ProgressCallback",
    "Tint": "ColorScale",
    "Unseen": "UnseenSpan",
    "Work": "BackgroundJob",
    "Works": "JobRegistry",
    "asked_to_stop": "stop_requested",
    "bows": "arc_paths",
    "built_anew": "rebuild",
    "check_made_by": "check_read_by",
    "clusters": "graphemes",
    "finished_place": "finished_folder",
    "given_up_unless_asked_for": "cancel_unrequested_jobs",
    "grain": "grid",
    "head_facts": "head_statistics",
    "headmap": "head_values",
    "held_against": "compared_with",
    "hues": "categorical_colors",
    "in_words": "duration",
    "is_heard": "has_events",
    "is_held": "is_locked",
    "keep_leaf": "on_leaf",
    "keep_states": "on_layer",
    "keep_weights": "on_weights",
    "likeness": "rank_similarity",
    "look": "a noun",
    "over_tokens": "to_tokens",
    "over_words": "to_words",
    "plate": "spec",
    "plate_of": "spec_of",
    "plates": "specs",
    "pulse": "poll",
    "rows_at_once": "batch_size",
    "silent": "no_progress",
    "start_anew": "reset_if_options_changed",
    "tick": "progress",
    "tint": "color_scale",
    "weighs": "computes_weights",
    "working_place": "partial_folder",
    "zero_origin": "linearized_activation",
}
"""Names in code, and what is said instead."""

PARTICIPLES = ("asked", "found", "held", "made", "said", "taken", "told")
"""Names of `viz` that tell nothing: a noun says what is in them."""

WORDS = {
    r"colour": "color",
    r"favour": "favor",
    r"behaviour": "behavior",
    r"neighbour": "neighbor",
    r"\bcentre": "center",
    r"licence": "license",
    r"(normal|token|random|summar|linear|recogn|organ|optim|minim|maxim|serial|initial|regular)"
    r"is(e|es|ed|er|ing|ation)\b": "-ize",
    r"labell(ed|ing)": "labeled, labeling",
    r"judgement": "judgment",
    r"\blearnt\b": "learned",
    r"spelt\b": "spelled",
    r"\bgrey": "gray",
    r"\btowards\b": "toward",
    r"\banew\b": "start over, again",
    r"\bheld against\b": "compared with",
    r"(?<!there )\bis no (address|checkpoint|folder|file|head|id|mean|name|number|pair|proof|range"
    r"|row|share|table|text|token|word)\b": "is not a",
}
"""Patterns that stand neither in documents nor in code, and what is said instead."""

DATA = ("finetune/data/check/missing_values.py",)
"""Files that list words as others write them."""


@cache
def names(file: Path) -> frozenset[str]:
    """The names in a file, without what stands in strings and comments."""
    if file.suffix != ".py":
        code = re.sub(
            r"/\*.*?\*/|//[^\n]*|\"[^\"\n]*\"", "", file.read_text("utf-8"), flags=re.DOTALL
        )
        return frozenset(re.findall(r"[A-Za-z_]\w*", code))
    with file.open(encoding="utf-8") as stream:
        tokens = tokenize.generate_tokens(stream.readline)
        return frozenset(token.string for token in tokens if token.type == tokenize.NAME)


def places(files: tuple[Path, ...], pattern: str) -> Iterator[str]:
    """Where a pattern stands, in any case: file, line and what it matched."""
    for file in files:
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1):
            for match in re.finditer(pattern, line, re.IGNORECASE):
                yield f"{file.relative_to(ROOT)}:{number}: {match[0]}"


def test_no_file_has_an_old_name() -> None:
    found = {part for file in CODE for part in file.relative_to(ROOT).with_suffix("").parts}
    assert {name: FILES[name] for name in FILES.keys() & found} == {}


def test_old_names_are_gone() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}": f"say {NAMES[name]}"
        for file in CODE
        for name in NAMES.keys() & names(file)
    }
    assert found == {}


def test_names_are_nouns() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in CODE
        if file.is_relative_to(ROOT / "viz")
        for name in names(file).intersection(PARTICIPLES)
    }
    assert found == set()


@pytest.mark.parametrize("pattern", WORDS)
def test_documents_and_code_are_in_american_english(pattern: str) -> None:
    files = tuple(file for file in CODE if file.relative_to(ROOT).as_posix() not in DATA)
    assert list(places((*PROSE, *files), pattern)) == [], f"say {WORDS[pattern]}"
