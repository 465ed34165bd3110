"""The rules of the house that no linter knows: sizes, names, what may be imported where a linter sees no difference."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("postback_pipeline", "tests", "examples", "benchmarks", "dbt_project")
MOST_LINES = {".py": 400, ".sql": 100}
MOST_LINES_OF_A_TEST = 800
#: Names under which anything could be found, so that nothing is.
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "manager", "misc"}
#: What takes long to import: `postback --help` answers without.
HEAVY = {"aiohttp", "alembic", "dagster", "dagster_dbt", "dbt", "duckdb", "pandas", "pyarrow", "sqlalchemy"}
#: Attributes by which a test is skipped, or replaces something behind the code's back.
NOT_IN_TESTS = {"skip", "skipif", "xfail", "importorskip", "setattr"}


def files(*suffixes: str, folders: tuple[str, ...] = FOLDERS) -> list[Path]:
    """The project's own files below `folders`, relative to the checkout."""
    built = {"target", "logs", "__pycache__"}
    found = (file for folder in folders for file in (ROOT / folder).rglob("*") if file.suffix in suffixes)
    return sorted(file.relative_to(ROOT) for file in found if not built.intersection(file.parts))


def imports(tree: ast.AST, *, of_functions: bool = True) -> Iterator[str]:
    """Top-level names of the packages that running the code imports, with or without its functions' bodies."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for_types_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not for_types_only and (of_functions or not is_function):
            yield from imports(node, of_functions=of_functions)


def parsed(file: Path) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def test_no_file_is_longer_than_agreed() -> None:
    def most(file: Path) -> int:
        return MOST_LINES_OF_A_TEST if file.parts[0] == "tests" else MOST_LINES[file.suffix]

    lines = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in files(".py", ".sql")}
    assert len(lines) > 0
    assert {str(file): count for file, count in lines.items() if count > most(file)} == {}


def test_every_file_has_a_name_that_says_what_is_in_it() -> None:
    assert [str(file) for file in files(".py", ".sql") if SAYS_NOTHING.intersection([file.stem, *file.parts])] == []


def test_test_modules_are_known_by_their_name_alone() -> None:
    names = [file.name for file in files(".py", folders=("tests",)) if file.name.startswith("test_")]
    assert sorted(names) == sorted(set(names))


def test_tests_replace_nothing_behind_the_code_and_skip_nothing() -> None:
    found = {}
    for file in files(".py", folders=("tests",)):
        tree = parsed(file)
        attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        found[str(file)] = attributes & NOT_IN_TESTS | {*imports(tree)} & {"unittest"}
    assert {file: names for file, names in found.items() if names} == {}


def test_commands_import_what_is_heavy_only_inside_functions() -> None:
    commands = files(".py", folders=("postback_pipeline/cli",))
    found = {str(file): HEAVY.intersection(imports(parsed(file), of_functions=False)) for file in commands}
    assert len(found) > 0
    assert {file: names for file, names in found.items() if names} == {}


def test_the_command_line_loads_nothing_heavy() -> None:
    program = "import sys, postback_pipeline.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert HEAVY.intersection(result.stdout.split()) == set()


def test_the_words_need_the_standard_library_only() -> None:
    assert set(imports(parsed(Path("postback_pipeline/model.py")))) <= sys.stdlib_module_names
