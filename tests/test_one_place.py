"""What no file of the project may do, read from the source itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
OPENING = "finetune/checkpoint/loading.py"
FRAGMENTS = "viz/app/panels/fragment.py"
SOURCES = [
    file.relative_to(ROOT).as_posix()
    for file in (ROOT / "app.py", *(ROOT / "viz").rglob("*.py"), *(ROOT / "finetune").rglob("*.py"))
]
MAKERS = {
    "from_pretrained", "from_config", "pipeline", "get_class_from_dynamic_module",
    "load_adapter", "hf_hub_download",
}  # fmt: skip
"""What makes a configuration, tokenizer or model, or reaches for a file on the Hub."""
UNPICKLING = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
SAFE = {"allow_pickle": False, "weights_only": True, "trust_remote_code": False}
"""What these arguments have to be wherever they are given."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the last part of its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr, node
            elif isinstance(node.func, ast.Name):
                yield node.func.id, node


def parsed(source: str) -> ast.AST:
    return ast.parse((ROOT / source).read_text("utf-8"))


def test_only_one_file_makes_fragments() -> None:
    for source in SOURCES:
        names = [node for node in ast.walk(parsed(source)) if isinstance(node, ast.Attribute)]
        assert ("st.fragment" in map(ast.unparse, names)) == (source == FRAGMENTS), source


def test_only_one_file_makes_models_and_tokenizers() -> None:
    for source in set(SOURCES) - {OPENING}:
        tree = parsed(source)
        named = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert not MAKERS & (named | {name for name, _ in calls(tree)}), source


def test_the_one_file_trusts_no_code() -> None:
    made = [call for name, call in calls(parsed(OPENING)) if name in MAKERS]
    assert made
    for call in made:
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        trust = given["trust_remote_code"]
        assert isinstance(trust, ast.Constant)
        assert trust.value is False


def test_the_one_file_reads_from_disk_alone() -> None:
    made = [call for name, call in calls(parsed(OPENING)) if name == "from_pretrained"]
    assert made
    for call in made:
        given = {keyword.arg: keyword.value for keyword in call.keywords}
        local = given["local_files_only"]
        assert isinstance(local, ast.Constant)
        assert local.value is True


def test_nothing_is_unpickled() -> None:
    for source in SOURCES:
        tree = parsed(source)
        assert not UNPICKLING & set(imported(tree)), source
        for name, call in calls(tree):
            whole = ast.unparse(call.func)
            assert name != "read_pickle", source
            assert whole not in ("torch.load", "eval", "exec", "__import__"), source
            for keyword in call.keywords:
                if keyword.arg in SAFE and isinstance(keyword.value, ast.Constant):
                    assert keyword.value.value is SAFE[keyword.arg], source


def imported(tree: ast.AST) -> Iterator[str]:
    """The outermost packages that are imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
