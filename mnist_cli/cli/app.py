"""The application: its commands, and the one place that turns errors into messages and exit codes."""

import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from mnist_cli import __version__
from mnist_cli.cli.evaluate import evaluate
from mnist_cli.cli.export import export
from mnist_cli.cli.help import Command, Group
from mnist_cli.cli.predict import predict
from mnist_cli.cli.summary import summary
from mnist_cli.cli.train import RECIPE_LINES, train
from mnist_cli.errors import MnistCliError, first_line

INTERRUPTED = 130


class Commands(Group):
    """The group of commands: turns whatever they raise into a message on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        ctx.obj = {"debug": False}
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except KeyboardInterrupt as interrupt:
            raise typer.Exit(_report_interrupt(interrupt)) from None
        except Exception as error:
            if ctx.obj["debug"]:
                raise
            raise typer.Exit(_report(error)) from None


def _report_interrupt(interrupt: KeyboardInterrupt) -> int:
    """Print that a command was interrupted; its exit code."""
    from mnist_cli.display.screen import Screen

    hint = getattr(interrupt, "hint", "")
    Screen().note(f"interrupted; {hint}" if hint else "interrupted")
    return getattr(interrupt, "exit_code", INTERRUPTED)


def _report(error: Exception) -> int:
    """Print an error that ended a command; its exit code."""
    from mnist_cli.display.screen import ReaderGone, Screen

    if isinstance(error, ReaderGone):
        return 0
    if not isinstance(error, MnistCliError):
        message = f"internal error: {type(error).__name__}: {first_line(error)}"
        error = MnistCliError(message, "Run it again with --debug to see where.")
    Screen().error(error)
    return error.exit_code


def _report_usage(error: typer.TyperException) -> int:
    """Print an error that Typer found in the command line; its exit code."""
    from mnist_cli.display.screen import Screen

    screen = Screen()
    if context := getattr(error, "ctx", None):
        screen.note(context.get_usage())
        screen.note(f"See `{context.command_path} --help`.")
    message = error.format_message()
    screen.error(MnistCliError(message[:1].lower() + message[1:].removesuffix(".")))
    return error.exit_code


app = typer.Typer(
    cls=Commands,
    help="Train, evaluate, inspect and use a convolutional network that reads handwritten digits.",
    epilog="Example: mnistcli predict digit.png",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _show_version(value: bool) -> None:
    if value:
        print(f"mnistcli {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def mnistcli(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(2)


app.command(cls=Command, epilog=f"{RECIPE_LINES}\n\nExample: mnistcli train --epochs 15")(train)
app.command(cls=Command, epilog="Example: mnistcli evaluate models/cnn.keras")(evaluate)
app.command(cls=Command, epilog="Example: mnistcli summary models/cnn.keras")(summary)
app.command(cls=Command, epilog="Example: mnistcli predict digit.png")(predict)
app.command(cls=Command, epilog="Example: mnistcli export models/cnn.keras digits.onnx")(export)


def main() -> NoReturn:
    """Run the command line of this process. Raises `SystemExit`."""
    _occupy_standard_descriptors()
    # The engine runs a batch on each processor; with threads inside NumPy too, they would only wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = app(prog_name="mnistcli", standalone_mode=False)
    except typer.TyperException as error:
        code = _report_usage(error)
    except OSError as error:  # from help, version or completion, which Typer prints itself
        print(f"error: {error.strerror}", file=sys.stderr)
        code = 1
    raise SystemExit(code)


def _occupy_standard_descriptors() -> None:
    """Open the null device for each closed standard stream, or else the next file opened would get its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number
