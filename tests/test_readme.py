"""The README says what is so: options, defaults, keys, commands and files it names are held against the program."""

import json
import re
import shlex
from importlib import import_module
from pathlib import Path

import onnx
import pytest
import typer
from PIL import Image
from processes import Run
from test_house import ORDER, ROOMS

from mnist_cli.cli.app import app
from mnist_cli.data import MODEL_PATH
from mnist_cli.display.evaluation import EvaluationView
from mnist_cli.evaluation.report import Report
from mnist_cli.exporting.onnx_model import onnx_content
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model
from mnist_cli.model.layers.shaping import Inactive
from mnist_cli.model.options import KINDS, layer_class
from mnist_cli.settings import DEFAULT_MODEL_PATH, RECIPES, Settings
from mnist_cli.training.network import classic_cnn

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GROUP = typer.main.get_command(app)
COMMANDS = dict(GROUP.commands)
SHARED = {"--help", "-h", "--quiet", "-q", "--debug"}
GLOBAL = {"--version", "--install-completion", "--show-completion"}


def options_of(command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("-")} | {"--help", "-h"}


def section(title: str) -> str:
    """The text under a heading of any level, up to the next one of this level or above."""
    heading = re.search(rf"^(##+) {re.escape(title)}\n", README, re.MULTILINE)
    assert heading
    return re.split(rf"^#{{2,{len(heading[1])}}} ", README[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def options_in(text: str) -> set[str]:
    """Options inside code, but not those in blocks or after the name of a command or another program."""
    inline = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    codes = [
        code for code in re.findall(r"`([^`]+)`", inline) if not re.match(r"(mnistcli [a-z]|python |pytest )", code)
    ]
    return set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", " ".join(codes)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_told_in_its_section_and_no_other(name: str):
    told = options_in(section(name))

    assert told - options_of(COMMANDS[name]) == set()
    assert options_of(COMMANDS[name]) - told - SHARED == set()


def test_the_options_of_all_commands_are_told():
    told = options_in(section("Everywhere"))

    assert told >= SHARED | GLOBAL
    assert options_of(GROUP) <= told | SHARED
    assert all(options_of(command) >= SHARED for command in COMMANDS.values())


def test_every_option_on_the_page_is_an_option():
    assert options_in(README) <= options_of(GROUP).union(*map(options_of, COMMANDS.values()))


def test_the_commands_on_the_first_screen_are_the_commands_each_with_its_picture():
    rows = table_rows(README.split("\n## ")[0])

    assert [row[0].strip("`").split()[1] for row in rows] == list(COMMANDS)
    assert [re.findall(r"screenshots/(\w+)\.svg.*\(#(\w+)\)", row[2]) for row in rows] == [
        [(name, name)] for name in COMMANDS
    ]


def table_rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]


def told_defaults(name: str) -> dict[str, str]:
    """The default that a table tells for each option that has one."""
    rows = [row for row in table_rows(section(name)) if row[0].startswith("`--") and len(row) == 3]
    return {row[0].split("`")[1].split()[0]: row[2].strip("`") for row in rows if row[2]}


def test_the_defaults_of_evaluate_are_the_defaults():
    assert told_defaults("evaluate") == {"--data": "MNIST", "--mistakes": "what fits in a row"}
    assert {defaults_of("evaluate")[option] for option in ("--data", "--mistakes")} == {None}


def test_the_defaults_of_predict_are_the_defaults():
    assert told_defaults("predict") == {"--model": "as for `evaluate", "--top": str(defaults_of("predict")["--top"])}


def test_the_defaults_of_export_are_the_defaults():
    told, defaults = told_defaults("export"), defaults_of("export")

    assert told == {"--input": defaults["--input"], "--data": "MNIST"}
    assert (defaults["--data"], defaults["--quantize"]) == (None, None)


def test_the_defaults_of_train_are_the_defaults():
    told = told_defaults("train")
    settings = {f"--{name.replace('_', '-')}": str(value) for name, value in vars(Settings()).items()}

    assert told.pop("--data") == "MNIST"
    assert told.pop("--output") == str(DEFAULT_MODEL_PATH)
    assert told == {option: settings[option] for option in told}
    assert set(told) == {"--recipe", "--precision", "--validation-split", "--patience", "--seed"}


def defaults_of(name: str) -> dict:
    return {parameter.opts[0]: parameter.default for parameter in COMMANDS[name].params}


def test_the_recipes_told_are_the_recipes():
    rows = [row for row in table_rows(section("train")) if row[0].startswith("`--") and len(row) == 5]
    told = {row[0].split("`")[1].split()[0]: [cell.strip("`") for cell in row[2:]] for row in rows}
    header = next(line for line in section("train").splitlines() if line.startswith("| setting |"))

    assert re.findall(r"`(\w+)`", header) == list(RECIPES)
    for option, values in told.items():
        name = option.removeprefix("--").replace("-", "_")
        assert values == [str(getattr(recipe.settings, name)) for recipe in RECIPES.values()]
    assert {f"--{name.replace('_', '-')}" for name in vars(Settings())} == set(told) | {
        "--recipe",
        "--precision",
        "--validation-split",
        "--patience",
        "--seed",
    }


@pytest.mark.parametrize(("name", "arguments"), [("summary", ["--json"]), ("predict", ["--json", "digit.png"])])
def test_the_keys_told_are_the_keys_printed(name: str, arguments: list[str], run: Run, tmp_path: Path):
    Image.new("L", (50, 50), 255).save(tmp_path / "digit.png")
    told = set(re.findall(r"`([a-z_]+)`", section(f"JSON of {name}")))
    printed = json.loads(run(name, *arguments, cwd=tmp_path).stdout)

    inner = {key for layer in printed.get("layers", []) for key in layer}
    statuses = {"digit", "several", "unsure", "none", "error"}
    assert set(printed) | inner == told - statuses | (statuses & set(printed))


def test_the_keys_told_of_evaluate_are_the_keys_of_a_report_with_everything(full_report: Report):
    told = set(re.findall(r"`([a-z0-9_]+)`", section("JSON of evaluate")))

    assert keys_inside(EvaluationView(full_report).as_json()) == told


def test_the_keys_told_of_export_are_the_keys_printed(run: Run, small_npz: Path, tmp_path: Path):
    told = set(re.findall(r"`([a-z_]+)`", section("JSON of export")))
    done = run("export", MODEL_PATH, "cnn.onnx", "--data", small_npz, "--json", cwd=tmp_path)

    assert keys_inside(json.loads(done.stdout)) == told


def keys_inside(value) -> set[str]:
    """The keys of all the objects in a JSON value."""
    if isinstance(value, dict):
        return set(value) | keys_inside(list(value.values()))
    return set().union(*map(keys_inside, value)) if isinstance(value, list) else set()


def test_the_size_of_the_network_is_told():
    assert f"{classic_cnn(dropout=0.5).parameters:,} parameters" in section("train")


def command_lines() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
    lines = [part for block in blocks for line in block.splitlines() for part in line.split(" && ")]
    inline = [code for code in re.findall(r"`([^`]+)`", README) if code.startswith("mnistcli ")]
    words = [shlex.split(line) for line in lines + inline]
    return [line for line in words if line[0].endswith("mnistcli")]


@pytest.mark.parametrize("line", command_lines(), ids=" ".join)
def test_every_command_line_is_understood(line: list[str]):
    name, *arguments = line[1:]
    if name.startswith("-"):
        assert name in options_of(GROUP)
        return
    with COMMANDS[name].make_context(name, arguments) as context:
        assert context.params


def test_the_first_screen_has_exactly_two_commands():
    first_screen = README.split("\n## ")[0]

    assert first_screen.count("```sh") == 2
    assert all(len(block.splitlines()) == 1 for block in re.findall(r"```sh\n(.*?)```", first_screen, re.DOTALL))


def test_the_figures_of_the_model_on_board_are_those_of_its_record():
    record = read_model(MODEL_PATH).record

    assert record is not None
    assert f"test accuracy {record.test.accuracy:.4f}." in section("evaluate")
    assert record.command in section("evaluate")


def test_the_page_in_the_readme_takes_and_gives_what_an_export_does():
    page = re.search(r"^```html\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    graph = onnx.load_from_string(onnx_content(open_engine(read_model(MODEL_PATH)), False, {})).graph
    sizes = [size.dim_value or 1 for size in graph.input[0].type.tensor_type.shape.dim]

    assert page is not None
    assert f"const {{ {graph.output[0].name} }} = await session.run({{ {graph.input[0].name} }});" in page[1]
    assert f'new ort.Tensor("float32", pixels, {sizes})' in page[1]


def test_every_room_is_in_the_plan_with_its_own_sentence():
    told = {row[0].strip("`/"): row[1] for row in table_rows(section("Architecture"))}

    assert told == {room: (import_module(f"mnist_cli.{room}").__doc__ or "").strip() for room in ROOMS}


def test_the_rooms_are_told_from_the_top_down():
    rooms = [row[0].strip("`/") for row in table_rows(section("Architecture"))]

    assert [room for room in rooms if room in ORDER] == [room for room in reversed(ORDER) if room in ROOMS]
    assert rooms[-1] == "data"


def test_every_module_outside_the_rooms_is_in_the_plan():
    modules = {path.name for path in (ROOT / "mnist_cli").glob("*.py")} - {"__init__.py", "__main__.py"}

    assert set(re.findall(r"`(\w+\.py)`", section("Architecture"))) == modules


def test_the_layers_told_are_the_layers():
    listed = section("Your own model").split("- **Layers**: ")[1].split("\n- ")[0]
    told = set(re.findall(r"[A-Z]\w+", listed)) - {"Keras", "Mixed"}
    others = {kind for kind in KINDS if "Pooling" in kind or issubclass(layer_class(kind), Inactive)}

    assert told == KINDS - others


def test_every_file_it_points_to_is_there():
    linked = re.findall(r"\]\(((?!https?:|#)[^)]+)\)", README) + re.findall(r'src="([^"]+)"', README)

    assert linked
    assert [link for link in linked if not (ROOT / link).is_file()] == []
    headings = {
        re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-")
        for title in re.findall(r"^##+ (.+)$", README, re.M)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings
