"""The rooms of the house: which there are, what each may import, and what belongs in some of them only."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mnist_cli"
# Each may import those before it. Serving may come later.
ORDER = ("storage", "model", "pictures", "datasets", "evaluation", "training", "exporting", "display", "serving", "cli")
MOST_ROOMS, MOST_LINES = 10, 300


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


TREES = {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}
ROOMS = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def imports_of(tree: ast.Module) -> Iterator[str]:
    """The full names of everything imported, inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "an import that is relative"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(tree: ast.Module) -> set[str]:
    """The modules of the package among the imports."""
    return {name if name in TREES else name.rpartition(".")[0] for name in imports_of(tree)} & set(TREES)


def room_of(module: str) -> str:
    """The room of a module; empty at the top level."""
    place = module.split(".")[1:2]
    return place[0] if place and place[0] in ROOMS else ""


def rooms_importing(library: str) -> set[str]:
    return {
        room_of(module)
        for module, tree in TREES.items()
        if library in {name.partition(".")[0] for name in imports_of(tree)}
    }


def test_there_are_no_rooms_but_these():
    assert ROOMS | {"serving"} == {*ORDER, "data"}
    assert len(ROOMS) <= MOST_ROOMS


def test_imports_run_one_way():
    wrong = [
        f"{module} imports {other}"
        for module, tree in TREES.items()
        for other in imported_modules(tree)
        if room_of(module) in ORDER and room_of(other) in ORDER
        if ORDER.index(room_of(other)) > ORDER.index(room_of(module))
    ]

    assert wrong == []


def test_the_top_level_and_the_data_import_no_room():
    found = {
        (module, room_of(other))
        for module, tree in TREES.items()
        for other in imported_modules(tree)
        if room_of(module) in ("", "data") and room_of(other) not in ("", "data")
    }

    assert found == {("mnist_cli.__main__", "cli")}


def test_no_modules_import_each_other_in_a_circle():
    try:
        TopologicalSorter({module: imported_modules(tree) - {module} for module, tree in TREES.items()}).prepare()
    except CycleError as error:
        pytest.fail(" is imported by ".join(error.args[1]))


PACKAGES = sorted(module_name(path) for path in PACKAGE.rglob("*/__init__.py"))


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "mnist_cli.data"])
def test_the_init_of_a_room_is_its_docstring(package: str):
    assert ast.get_docstring(TREES[package])
    assert len(TREES[package].body) == 1


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("tensorflow", {"training"}),
        ("keras", {"training"}),
        ("rich", {"display", "cli"}),
        ("typer", {"cli"}),
        ("click", set()),
    ],
)
def test_a_library_is_imported_in_its_rooms_only(library: str, rooms: set[str]):
    assert rooms_importing(library) <= rooms


def calls_of(tree: ast.Module) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_the_core_never_prints_and_never_exits():
    spoken = {"print", "exit", "quit", "sys.exit", "SystemExit"}
    spoken |= {f"sys.{stream}.write" for stream in ("stdout", "stderr")}
    core = {module for module in TREES if room_of(module) not in ("display", "cli")} - {"mnist_cli.__main__"}
    found = {module: calls_of(TREES[module]) & spoken for module in core}

    assert {module: calls for module, calls in found.items() if calls} == {}


def test_no_module_is_long():
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}

    assert {path.name: length for path, length in lengths.items() if length > MOST_LINES} == {}
