"""JavaScript modules as one script, since Streamlit and a saved page each take only one.

A module keeps a scope of its own: it becomes a function that returns what it exports.  Of the
language's forms of `import` and `export` only those that the widgets need are known; any other is
refused, so that nothing is bundled wrongly.
"""

import posixpath
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_IMPORT = re.compile(r'^import (?:(\w+)|\{([^{}]*)\}) from "(\.[^"]*)";\n', re.MULTILINE)
_EXPORT = re.compile(
    r"^export (default )?((?:async )?function\b|class\b|const\b) ?(\w*)", re.MULTILINE
)
_UNKNOWN = re.compile(
    # Comments may name types as `import("./x.js").Type`.
    r"^\s*(?:import|export)\b.*|^(?!\s*(?:\*|//|/\*)).*\bimport\s*[(.].*",
    re.MULTILINE,
)
_DEFAULT = "defaultExport"
"""The name that a function without one gets."""


@cache
def read(file: str) -> str:
    """The text of a file below `viz/widgets`."""
    return files("viz.widgets").joinpath(file).read_text(encoding="utf-8")


@cache
def bundle(entry: str, source: str | None = None) -> str:
    """A module and all that it imports, each once, as one module that imports nothing.

    Args:
        entry: The module, as a path below `viz/widgets`.
        source: Its text, where it is not a file there.

    Raises:
        ValueError: where a module imports what isn't there, imports itself by way of others, or
            has a form of `import` or `export` that is not known.
    """
    modules: dict[str, Module] = {}
    _collect(Module.parse(entry, read(entry) if source is None else source), modules, ())
    variables = {path: f"module{index}" for index, path in enumerate(modules)}
    script = "".join(module.wrapped(variables) for module in modules.values())
    if "default" in modules[entry].exports:
        script += f"export default {variables[entry]}.default;\n"
    return script


@dataclass(frozen=True, slots=True)
class Import:
    """One statement: where from, and the exported name of each local one."""

    path: str
    names: dict[str, str]

    @classmethod
    def parse(cls, importer: str, match: re.Match[str]) -> "Import":
        """An import of the module `importer`."""
        default, named, target = match.groups()
        path = posixpath.normpath(posixpath.join(posixpath.dirname(importer), target))
        if default:
            return cls(path, {default: "default"})
        pairs = [name.split(" as ") for name in named.replace("\n", " ").split(",") if name.strip()]
        return cls(path, {pair[-1].strip(): pair[0].strip() for pair in pairs})


@dataclass(frozen=True, slots=True)
class Module:
    """One file in parts."""

    path: str
    imports: tuple[Import, ...]
    exports: dict[str, str]
    """The local name of each exported one."""
    body: str
    """Its text without the words `import` and `export`."""

    @classmethod
    def parse(cls, path: str, source: str) -> "Module":
        """The module in the file at `path`, whose text is `source`."""
        imports = tuple(Import.parse(path, match) for match in _IMPORT.finditer(source))
        exports: dict[str, str] = {}

        def undeclare(match: re.Match[str]) -> str:
            default, kind, name = match.groups()
            if not name and not default:
                raise ValueError(f"{path} exports {match[0]!r} without a name.")
            exports["default" if default else name] = name or _DEFAULT
            return f"{kind} {name or _DEFAULT}"

        body = _EXPORT.sub(undeclare, _IMPORT.sub("", source))
        unknown = _UNKNOWN.search(body)
        if unknown:
            raise ValueError(
                f"{path} has {unknown[0].strip()!r}; known are 'import {{ a, b as c }} from "
                "\"./x.js\";', 'import a from \"./x.js\";' and 'export' before a function, a "
                "class or a const."
            )
        return cls(path, imports, exports, body)

    def wrapped(self, variables: dict[str, str]) -> str:
        """The module as a constant that holds its exports; `variables` names those of all."""
        imports = "".join(
            f"const {{ {_pairs(one.names, ': ', swap=True)} }} = {variables[one.path]};\n"
            for one in self.imports
        )
        exports = _pairs(self.exports, ": ")
        return (
            f"// {self.path}\nconst {variables[self.path]} = (() => {{\n"
            f"{imports}{self.body.strip()}\nreturn {{ {exports} }};\n}})();\n"
        )


def _pairs(names: dict[str, str], between: str, *, swap: bool = False) -> str:
    ordered = ((value, key) if swap else (key, value) for key, value in names.items())
    return ", ".join(one if one == other else f"{one}{between}{other}" for one, other in ordered)


def _collect(module: Module, modules: dict[str, Module], importers: tuple[str, ...]) -> None:
    """Enter what `module` imports into `modules`, and then itself."""
    if module.path in importers:
        raise ValueError(f"Modules import each other: {' → '.join((*importers, module.path))}.")
    for one in module.imports:
        if one.path not in modules:
            try:
                source = read(one.path)
            except OSError:
                raise ValueError(f"{module.path} imports {one.path}, which is not there.") from None
            _collect(Module.parse(one.path, source), modules, (*importers, module.path))
        missing = set(one.names.values()) - set(modules[one.path].exports)
        if missing:
            raise ValueError(
                f"{module.path} imports {', '.join(sorted(missing))} from {one.path}, "
                f"which exports {', '.join(modules[one.path].exports) or 'nothing'}."
            )
    modules[module.path] = module
