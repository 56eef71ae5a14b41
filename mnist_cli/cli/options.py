"""The options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mnist_cli.errors import SettingError
from mnist_cli.settings import DEFAULT_MODEL_PATH

OUTPUT = "Output"
"""The help panel of the options on what is printed."""


def default(text: str) -> str:
    """The default as the end of a help text, in Typer's own form."""
    return f"  [default: {text}]"


def file_option(*names: str, metavar: str = "FILE", help: str, panel: str | None = None) -> Any:
    """An option with a path, which Typer does not check: the code that reads or writes the file does."""
    return typer.Option(*names, readable=False, metavar=metavar, help=help, show_default=False, rich_help_panel=panel)


def data_option(help: str, panel: str | None = None) -> Any:
    """The option with a data set."""
    option = file_option("--data", metavar="PATH", help=help, panel=panel)
    option.parser = _data_path
    return option


def _data_path(text: str) -> Path:
    if not text:  # as a path, this would be the current folder
        raise SettingError("--data", "must not be empty")
    return Path(text)


def set_debug(ctx: typer.Context, value: bool) -> bool:
    """Tell the application, which handles errors, whether to show tracebacks."""
    if isinstance(ctx.obj, dict):
        ctx.obj["debug"] = value
    return value


def complete_model(incomplete: str) -> list[str]:
    """The paths of model files and folders that start with `incomplete`, for the shell's completion."""
    folder, slash, start = incomplete.rpartition("/")
    paths = []
    for entry in Path(folder + slash or ".").glob("*"):
        if not entry.name.startswith(start):
            continue
        if entry.is_dir():
            paths.append(f"{folder}{slash}{entry.name}/")
        elif entry.suffix in (".keras", ".h5", ".hdf5"):
            paths.append(f"{folder}{slash}{entry.name}")
    return sorted(paths)


_USUAL_MODEL = default(f"{DEFAULT_MODEL_PATH} if it exists, else the one that comes with mnistcli")
_MODEL: dict[str, Any] = {"readable": False, "show_default": False, "autocompletion": complete_model}
_MODEL_HELP = f"Model file, .keras or .h5.{_USUAL_MODEL}"

Model = Annotated[Path | None, typer.Argument(metavar="[MODEL]", help=_MODEL_HELP, **_MODEL)]
ModelOption = Annotated[Path | None, typer.Option("--model", "-m", metavar="FILE", help=_MODEL_HELP, **_MODEL)]
OtherModel = Annotated[
    Path | None,
    typer.Option("--compare", metavar="FILE", help="Compare with another model on the same images.", **_MODEL),
]
AsIs = Annotated[
    bool, typer.Option("--as-is", help="Use the images of --data as they are, even if they are turned or inverted.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=OUTPUT)]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only results, warnings and errors.", rich_help_panel=OUTPUT)
]
Debug = Annotated[
    bool,
    typer.Option("--debug", callback=set_debug, help="Show the traceback of an error.", rich_help_panel=OUTPUT),
]
