"""JavaScript modules as one script: each once, in order, and nothing that isn't understood."""

import pytest

from viz.widgets.shared import modules
from viz.widgets.shared.modules import bundle


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Modules that stand in for those below `viz/widgets`."""
    made: dict[str, str] = {}

    def read(file: str) -> str:
        if file not in made:
            raise FileNotFoundError(file)
        return made[file]

    monkeypatch.setattr(modules, "read", read)
    bundle.cache_clear()
    return made


def test_a_module_comes_after_those_it_imports_and_each_comes_once(files: dict[str, str]) -> None:
    files["a/main.js"] = (
        '// Main.\n\nimport {\n  one as first,\n  two,\n} from "./one.js";\n'
        'import shared from "../b/shared.js";\n\nexport default function (component) {\n'
        "  return first(shared, two, component);\n}\n"
    )
    files["a/one.js"] = (
        'import shared from "../b/shared.js";\nexport const two = 2;\n'
        "export async function one() {\n  return shared();\n}\n"
    )
    files["b/shared.js"] = "export default function share() {}\n"
    assert bundle("a/main.js") == (
        "// b/shared.js\nconst module0 = (() => {\nfunction share() {}\n"
        "return { default: share };\n})();\n"
        "// a/one.js\nconst module1 = (() => {\nconst { default: shared } = module0;\n"
        "const two = 2;\nasync function one() {\n  return shared();\n}\n"
        "return { two, one };\n})();\n"
        "// a/main.js\nconst module2 = (() => {\nconst { one: first, two } = module1;\n"
        "const { default: shared } = module0;\n// Main.\n\n\n"
        "function defaultExport(component) {\n  return first(shared, two, component);\n}\n"
        "return { default: defaultExport };\n})();\nexport default module2.default;\n"
    )


def test_a_source_that_is_no_file_imports_files(files: dict[str, str]) -> None:
    files["a/main.js"] = "export default function main() {}\n"
    script = bundle("page.js", 'import draw from "./a/main.js";\ndraw();\n')
    assert "const { default: draw } = module0;" in script
    assert "export" not in script


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('import * as all from "./one.js";\n', "import \\* as all"),
        ('import "./one.js";\n', 'import "./one.js"'),
        ('import { one } from "somewhere";\n', 'from "somewhere"'),
        ("export { one };\n", "export { one }"),
        ("export let one = 1;\n", "export let one"),
        ("export const { one } = two;\n", "without a name"),
        ('const one = import("./one.js");\n', 'import\\("./one.js"\\)'),
        ("  export const one = 1;\n", "export const one"),
        ('import { gone } from "./none.js";\n', "none.js, which is not there"),
        ('import { gone } from "./one.js";\n', "imports gone from one.js, which exports one"),
        ('import { gone } from "./empty.js";\n', "which exports nothing"),
        ('import { one } from "./main.js";\n', "main.js → main.js"),
        ('import { one } from "./round.js";\n', "main.js → round.js → main.js"),
    ],
)
def test_what_is_not_understood_is_refused(
    files: dict[str, str], source: str, message: str
) -> None:
    files["one.js"] = "export const one = 1;\n"
    files["empty.js"] = "\n"
    files["round.js"] = 'import { one } from "./main.js";\n'
    files["main.js"] = source
    with pytest.raises(ValueError, match=message):
        bundle("main.js")
