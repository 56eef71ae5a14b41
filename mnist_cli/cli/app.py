"""The command line: parse, call the core, hand the result to the display.

The core and the display are imported inside the commands, so that help, completion and usage errors come at once.
"""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from mnist_cli import __version__
from mnist_cli.errors import MnistCliError, PictureError, SettingError, first_line
from mnist_cli.settings import OPTIMIZERS, PRECISIONS, RECIPES, SCHEDULES, SETTINGS

if TYPE_CHECKING:
    from mnist_cli.datasets.dataset import Dataset
    from mnist_cli.display.screen import Screen
    from mnist_cli.model.engine import Engine
    from mnist_cli.model.file import ModelFile
    from mnist_cli.model.interface import Interface
    from mnist_cli.model.record import Record
    from mnist_cli.pictures.reader import Prediction, Reader
    from mnist_cli.training.checkpoint import Checkpoint

INTERRUPTED = 130
DEFAULT_MODEL = Path("models/cnn.keras")


class Commands(TyperGroup):
    """The group of commands, with the one place where errors become lines on stderr and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        ctx.obj = {"debug": False}
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except KeyboardInterrupt as interrupt:
            _tell_interrupted(getattr(interrupt, "hint", ""))
            raise typer.Exit(getattr(interrupt, "exit_code", INTERRUPTED)) from None
        except Exception as error:
            if ctx.obj["debug"]:
                raise
            raise typer.Exit(_report(error)) from None


def _tell_interrupted(hint: str) -> None:
    from mnist_cli.display.screen import Screen

    Screen().note(f"interrupted; {hint}" if hint else "interrupted")


def _report(error: Exception) -> int:
    """Show an error that ended a command; the exit code it asks for."""
    from mnist_cli.display.screen import ReaderGone, Screen, clean

    if isinstance(error, ReaderGone):
        return 0
    if isinstance(error, SettingError):
        raise typer.BadParameter(clean(error.reason), param_hint=error.option)
    if not isinstance(error, MnistCliError):
        message = f"something went wrong inside mnistcli: {type(error).__name__}: {first_line(error)}"
        error = MnistCliError(message, "Run it again with --debug to see where.")
    Screen().error(error)
    return error.exit_code


app = typer.Typer(
    cls=Commands,
    help="Train, judge, lay open and use a convolutional network that reads handwritten digits.",
    epilog="Example: mnistcli predict digit.png",
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(value: bool) -> None:
    if value:
        print(f"mnistcli {__version__}")
        raise typer.Exit


def _set_debug(ctx: typer.Context, value: bool) -> bool:
    if isinstance(ctx.obj, dict):
        ctx.obj["debug"] = value
    return value


def _complete_model(incomplete: str) -> list[str]:
    """The model files and folders whose path begins with what was typed."""
    folder, slash, start = incomplete.rpartition("/")
    entries = Path(folder + slash or ".").glob("*")
    return sorted(
        f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.startswith(start) and (entry.is_dir() or entry.suffix == ".keras")
    )


Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Debug = Annotated[bool, typer.Option("--debug", callback=_set_debug, help="Show the traceback of an error.")]
Data = Annotated[
    Path | None,
    typer.Option(
        readable=False,
        metavar="PATH",
        help="An .npz with Keras' keys, or a folder with IDX files; to judge on, also one with pictures.",
        show_default="MNIST",
    ),
]
_MODEL: dict[str, Any] = {
    "readable": False,  # whether it can be read is found where it is read
    "help": "A .keras file.",
    "show_default": f"{DEFAULT_MODEL} if there, else the one that comes with mnistcli",
    "autocompletion": _complete_model,
}
_OTHER = {"metavar": "FILE", "help": "Another .keras file to compare with.", "show_default": False}
Model = Annotated[Path | None, typer.Argument(metavar="[MODEL]", **_MODEL)]
ModelOption = Annotated[Path | None, typer.Option("--model", "-m", metavar="FILE", **_MODEL)]


@app.callback()
def mnistcli(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _recipe_option(setting: str, metavar: str, text: str) -> Any:
    """An option whose default is the recipe's own value."""
    values = {name: f"{getattr(recipe.settings, setting)}" for name, recipe in RECIPES.items()}
    usual = values["notebook"]
    others = (f"{name}: {value}" for name, value in values.items() if value != usual)
    return typer.Option(metavar=metavar, help=text, show_default=", ".join([usual, *others]))


_OPTIMIZERS, _SCHEDULES, _PRECISIONS, _RECIPES = map("|".join, (OPTIMIZERS, SCHEDULES, PRECISIONS, RECIPES))
_RECIPE_LINES = "\n".join(f"  {name:<9} {recipe.purpose}" for name, recipe in RECIPES.items())


@app.command(
    help="Train the classic two-convolution network and save it.",
    epilog=f"\b\nRecipes:\n{_RECIPE_LINES}\n\nExample: mnistcli train --epochs 15",
)
def train(
    ctx: typer.Context,
    recipe: Annotated[
        str | None,
        typer.Option(metavar=_RECIPES, help="The settings to start from; see below.", show_default="notebook"),
    ] = None,
    epochs: Annotated[
        int | None, _recipe_option("epochs", "N", "How many times to go through the training images.")
    ] = None,
    batch_size: Annotated[int | None, _recipe_option("batch_size", "N", "Images that make one step.")] = None,
    validation_split: Annotated[
        float | None,
        _recipe_option("validation_split", "X", "Share of the training images, the last ones, kept to validate on."),
    ] = None,
    optimizer: Annotated[
        str | None, _recipe_option("optimizer", _OPTIMIZERS, "How gradients change the weights.")
    ] = None,
    learning_rate: Annotated[
        float | None, _recipe_option("learning_rate", "X", "The highest learning rate of the run.")
    ] = None,
    schedule: Annotated[
        str | None, _recipe_option("schedule", _SCHEDULES, "How the learning rate falls from there.")
    ] = None,
    warmup: Annotated[float | None, _recipe_option("warmup", "X", "Epochs in which it rises to there.")] = None,
    weight_decay: Annotated[
        float | None, _recipe_option("weight_decay", "X", "How strongly kernels are pulled towards 0.")
    ] = None,
    dropout: Annotated[float | None, _recipe_option("dropout", "X", "Share of the features that is dropped.")] = None,
    augment: Annotated[float | None, _recipe_option("augment", "X", "How far images are distorted, 0 to 1.")] = None,
    averaging: Annotated[
        float | None,
        _recipe_option("averaging", "X", "Share of the average of weights kept at each step; 0: none."),
    ] = None,
    patience: Annotated[
        int | None,
        _recipe_option("patience", "N", "Epochs without a lower validation loss until it stops; 0: all."),
    ] = None,
    precision: Annotated[
        str | None,
        _recipe_option("precision", _PRECISIONS, "What steps are computed in; auto: bfloat16 where that is native."),
    ] = None,
    seed: Annotated[int | None, _recipe_option("seed", "N", "Decides initial weights and everything random.")] = None,
    data: Data = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            readable=False,
            metavar="FILE",
            help="Where the model goes.",
            show_default=str(DEFAULT_MODEL),
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run for this output; a larger --epochs extends it.")
    ] = False,
    from_record: Annotated[
        Path | None,
        typer.Option(readable=False, metavar="FILE", help="Repeat the run of a training record, and compare."),
    ] = None,
    tensorboard: Annotated[
        Path | None, typer.Option(readable=False, metavar="DIR", help="Write the figures for TensorBoard there too.")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    from mnist_cli.datasets.dataset import open_dataset
    from mnist_cli.display.screen import Screen
    from mnist_cli.display.training import show_repetition, show_trained, training_progress
    from mnist_cli.model.record import open_record
    from mnist_cli.training.events import Listeners
    from mnist_cli.training.run import train as run
    from mnist_cli.training.start import differences
    from mnist_cli.training.stopping import StopRequest
    from mnist_cli.training.tensorboard import TensorBoard

    output = output or (DEFAULT_MODEL.with_name(f"{from_record.stem}-again.keras") if from_record else DEFAULT_MODEL)
    if output.suffix != ".keras":
        raise SettingError("--output", f"{output} is no file name that ends in .keras")
    screen, stop, dataset = Screen(quiet), StopRequest(), open_dataset(data)
    original = open_record(from_record) if from_record else None
    checkpoint = _starting_point(ctx, output, dataset, original, screen)
    with stop.heeded(), _telling_how_to_resume(ctx), training_progress(screen) as progress:
        listeners = [progress, TensorBoard(tensorboard)] if tensorboard else [progress]
        record = run(checkpoint, dataset, output, Listeners(listeners), stop)
    differing = differences(original, record) if original else None
    if json:
        screen.json(record.as_json() | ({} if differing is None else {"differences": differing}))
    else:
        show_trained(screen, record, output)
        if differing is not None:
            show_repetition(screen, differing)
    if stop.requested:
        raise stop.interruption(hint="the run had come to its end and the model is saved")


def _starting_point(
    ctx: typer.Context, output: Path, dataset: "Dataset", original: "Record | None", screen: "Screen"
) -> "Checkpoint":
    """Where the run that `train` was asked for starts: at the beginning, or where an earlier one came to."""
    from mnist_cli.settings import keep_to
    from mnist_cli.training.start import begun, recorded_settings, repeated, resumed

    chosen = {name: ctx.params[name] for name in SETTINGS}
    command = shlex.join(["mnistcli", *sys.argv[1:]])
    if original and original.data.sha256 != dataset.sha256:
        screen.warning(f"the run of the record was trained on other data: {original.data.name}")
    if ctx.params["resume"]:
        checkpoint = resumed(output, chosen, command)
        if original:
            keep_to(recorded_settings(original), vars(checkpoint.settings), "the record")
        return checkpoint
    if original:
        return repeated(original, chosen, command, dataset)
    return begun(chosen, command, dataset)


@contextmanager
def _telling_how_to_resume(ctx: typer.Context) -> Iterator[None]:
    """Name, where a run ends before its time and is kept, the command that goes on with it."""
    from mnist_cli.errors import KeptRunError
    from mnist_cli.training.stopping import Interrupted

    options = ("data", "output", "from_record", "tensorboard")
    given = ((f"--{name.replace('_', '-')}", ctx.params[name]) for name in options)
    words = [word for option, value in given if value for word in (option, str(value))]
    hint = f"`{shlex.join(['mnistcli', 'train', '--resume', *words])}` goes on with the run"
    try:
        yield
    except Interrupted as interrupt:
        if interrupt.kept:
            interrupt.hint = hint
        raise
    except KeptRunError as error:
        error.hint = f"When that is mended, {hint}"
        raise


@app.command(help="Judge a model on the test images.", epilog="Example: mnistcli evaluate models/cnn.keras")
def evaluate(
    model: Model = None,
    data: Data = None,
    mistakes: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="How many misread images to draw.", show_default="what fits in a row"),
    ] = None,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Judge on shifted, turned, noisy and other changed images too.")
    ] = False,
    compare: Annotated[Path | None, typer.Option(**_MODEL | _OTHER)] = None,
    min_accuracy: Annotated[
        float | None, typer.Option(metavar="X", help="End with exit code 3 where the accuracy is below.")
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(readable=False, metavar="FILE", help="Write it all to an .html or .svg file too."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    from mnist_cli.datasets.dataset import open_dataset
    from mnist_cli.display.evaluation import show_evaluation
    from mnist_cli.display.evaluationjson import evaluation_json
    from mnist_cli.display.reportfile import report_content
    from mnist_cli.display.robustness import robustness_progress
    from mnist_cli.display.screen import ReaderGone, Screen
    from mnist_cli.evaluation.report import check_accuracy, check_demands, check_report_path, judge, write_report

    check_demands(min_accuracy, report)
    screen = Screen(quiet)
    engine = _open_engine(_read_model(model, screen), screen)
    other = _open_engine(_read_model(compare, screen), screen) if compare else None
    dataset = open_dataset(data)
    if report:
        check_report_path(report)
    with robustness_progress(screen) if robustness else nullcontext() as progress:
        result = judge(engine, dataset, other, progress)
    with suppress(ReaderGone):  # which is no reason to leave the rest undone
        if json:
            screen.json(evaluation_json(result))
        else:
            show_evaluation(screen, result, mistakes)
    if report:
        write_report(report, report_content(report.suffix, result, mistakes))
        screen.note(f"the report is in {report}")
    check_accuracy(result.evaluation, min_accuracy)


@app.command(
    help="Show a model's layers, their cost, and how it was trained.",
    epilog="Example: mnistcli summary models/cnn.keras",
)
def summary(model: Model = None, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    from mnist_cli.display.screen import Screen
    from mnist_cli.display.summary import show_summary, summary_json
    from mnist_cli.model.summary import summarize

    screen = Screen(quiet)
    result = summarize(_read_model(model, screen))
    if result.interface:
        _tell_interface(result.path, result.interface, screen)
    if json:
        screen.json(summary_json(result))
    else:
        show_summary(screen, result)


@app.command(help="Read the digits in pictures.", epilog="Example: mnistcli predict digit.png")
def predict(
    images: Annotated[
        list[str],
        typer.Argument(metavar="IMAGE...", help="Picture files, folders, patterns, or - for stdin."),
    ],
    model: ModelOption = None,
    top: Annotated[int, typer.Option(metavar="N", min=1, max=10, help="How many of the likeliest digits to name.")] = 3,
    explain: Annotated[
        bool, typer.Option("--explain", help="Draw what the network saw, where it looked, and how sure it is.")
    ] = False,
    raw: Annotated[
        bool, typer.Option("--raw", help="Only make pictures grey and 28x28: light digits on black, as MNIST has them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per picture and line.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print one line of CSV per picture.")] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    from mnist_cli.display.prediction import COLUMNS, csv_line, with_progress
    from mnist_cli.display.screen import Screen
    from mnist_cli.model.calibration import UNCALIBRATED
    from mnist_cli.pictures.reader import Reader
    from mnist_cli.pictures.search import find_pictures

    if json + csv + explain > 1:
        raise SettingError("--explain" if explain else "--csv", "can't be had together with another way to print")
    if "" in images:  # which as a path would be the current folder
        raise SettingError("IMAGE...", "an empty name is no picture")
    screen = Screen(quiet)
    model_file = _read_model(model, screen)
    calibration = model_file.record.calibration if model_file.record else None
    reader = Reader(_open_engine(model_file, screen), calibration or UNCALIBRATED, raw)
    paths = find_pictures(map(Path, images))
    if csv:
        screen.line(csv_line(COLUMNS))
    failed = 0
    for prediction in with_progress(screen, reader.read_all(paths), len(paths)):
        failed += prediction.status == "error"
        _show_prediction(screen, prediction, reader, "json" if json else "csv" if csv else "", explain, top)
    if failed and (json or csv):
        raise PictureError(f"{failed} of {len(paths)} pictures could not be read; the lines say why")
    if failed:
        raise typer.Exit(1)


def _show_prediction(
    screen: "Screen", prediction: "Prediction", reader: "Reader", form: str, explained: bool, top: int
) -> None:
    from mnist_cli.display.prediction import prediction_csv, prediction_json, show_prediction

    if form == "json":
        screen.json(prediction_json(prediction))
    elif form == "csv":
        screen.line(prediction_csv(prediction))
    else:
        show_prediction(screen, prediction, top)
    if explained and prediction.pixels is not None:
        from mnist_cli.display.explanation import show_explanation
        from mnist_cli.pictures.explanation import explain

        for pixels in prediction.pixels:
            show_explanation(screen, explain(reader, pixels), prediction.steps)


def _read_model(path: Path | None, screen: "Screen") -> "ModelFile":
    """The model that was asked for, or the user's own in its usual place, or else the one on board."""
    from mnist_cli.data import MODEL_PATH
    from mnist_cli.model.file import read_model

    if path is None and not os.path.lexists(DEFAULT_MODEL):
        screen.note_with_result("Using the model that comes with mnistcli; `mnistcli train` makes your own.")
        path = MODEL_PATH
    model = read_model(path or DEFAULT_MODEL)
    if model.warning:
        screen.warning(model.warning)
    return model


def _open_engine(model: "ModelFile", screen: "Screen") -> "Engine":
    """The engine for a model, with what is unusual about it told."""
    from mnist_cli.model.engine import open_engine

    engine = open_engine(model)
    _tell_interface(model.path, engine.interface, screen)
    return engine


def _tell_interface(path: Path, interface: "Interface", screen: "Screen") -> None:
    """Tell what a model expects and gives where that is not what mnistcli's own models do."""
    for note in interface.notes:
        screen.note(f"{path} {note}")
    if interface.warning:
        screen.warning(f"{path} {interface.warning}")


def main() -> None:
    """Run the command line of this process."""
    _occupy_standard_descriptors()
    # The engine puts a batch on each processor; threads inside NumPy's products as well would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        app(prog_name="mnistcli")
    except OSError as error:  # what Typer prints itself: help, version, completion
        print(f"error: {error.strerror}", file=sys.stderr)
        raise SystemExit(1) from None


def _occupy_standard_descriptors() -> None:
    """Where a standard stream is closed, let its number lead nowhere: the next file opened must not get it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
