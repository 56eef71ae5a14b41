"""The options that several commands have."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mnist_cli.settings import DEFAULT_MODEL_PATH

OUTPUT = "Output"
"""The panel of options on what is printed."""


def default(text: str) -> str:
    """The end of a help text that names the default, as Typer writes it itself."""
    return f"  [default: {text}]"


def file_option(*names: str, metavar: str = "FILE", help: str, panel: str | None = None) -> Any:
    """An option with a path; whether it can be read or written is found where that is done."""
    return typer.Option(*names, readable=False, metavar=metavar, help=help, show_default=False, rich_help_panel=panel)


def set_debug(ctx: typer.Context, value: bool) -> bool:
    if isinstance(ctx.obj, dict):
        ctx.obj["debug"] = value
    return value


def complete_model(incomplete: str) -> list[str]:
    """The model files and folders whose path begins with what was typed."""
    folder, slash, start = incomplete.rpartition("/")
    entries = Path(folder + slash or ".").glob("*")
    return sorted(
        f"{folder}{slash}{entry.name}{'/' if entry.is_dir() else ''}"
        for entry in entries
        if entry.name.startswith(start) and (entry.is_dir() or entry.suffix in (".keras", ".h5", ".hdf5"))
    )


_USUAL_MODEL = default(f"{DEFAULT_MODEL_PATH} if it exists, else the one that comes with mnistcli")
_MODEL: dict[str, Any] = {"readable": False, "show_default": False, "autocompletion": complete_model}
_MODEL_HELP = f"Model file, .keras or .h5.{_USUAL_MODEL}"

Model = Annotated[Path | None, typer.Argument(metavar="[MODEL]", help=_MODEL_HELP, **_MODEL)]
ModelOption = Annotated[Path | None, typer.Option("--model", "-m", metavar="FILE", help=_MODEL_HELP, **_MODEL)]
OtherModel = Annotated[
    Path | None,
    typer.Option("--compare", metavar="FILE", help="Compare with another model on the same images.", **_MODEL),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.", rich_help_panel=OUTPUT)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.", rich_help_panel=OUTPUT)]
Debug = Annotated[
    bool,
    typer.Option("--debug", callback=set_debug, help="Show the traceback of an error.", rich_help_panel=OUTPUT),
]
