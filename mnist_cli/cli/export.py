"""The command `export`."""

from pathlib import Path
from typing import Annotated

import typer

from mnist_cli.cli.options import Debug, Json, Quiet, complete_model, data_option, default

ModelToExport = Annotated[
    Path,
    typer.Argument(metavar="MODEL", readable=False, autocompletion=complete_model, help="Model file, .keras or .h5."),
]
File = Annotated[
    Path, typer.Argument(metavar="FILE", readable=False, help="The file to write: .onnx for ONNX, .tflite for LiteRT.")
]
Input = Annotated[
    str,
    typer.Option(
        metavar="float32|uint8",
        help=f"Pixels that FILE takes: float32, 0 to 1, or uint8, 0 to 255.{default('float32')}",
        show_default=False,
    ),
]
Quantize = Annotated[
    str | None,
    typer.Option(
        metavar="float16|int8",
        help="Make a .tflite file smaller; with int8, everything is a whole number, pixels too.",
    ),
]
Data = Annotated[
    Path | None,
    data_option(f"Data set to check with, and to fit int8 to.{default('MNIST')}"),
]
NoCheck = Annotated[bool, typer.Option("--no-check", help="Don't run FILE on the test images.")]


def export(
    model: ModelToExport,
    file: File,
    input: Input = "float32",
    quantize: Quantize = None,
    data: Data = None,
    no_check: NoCheck = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a model as ONNX or LiteRT, for phones, browsers and other languages."""
    from mnist_cli.cli.models import engine_for
    from mnist_cli.datasets.dataset import open_dataset
    from mnist_cli.display.export import ExportView
    from mnist_cli.display.screen import Screen
    from mnist_cli.exporting import export as exporting

    request = exporting.ExportRequest(model, file, input, quantize, data, is_checked=not no_check)
    screen = Screen(quiet, "json" if json else "text")
    engine = engine_for(request.model_path, screen)
    dataset = open_dataset(request.data_path)
    exporting.check_export(request)  # after what may be refused, as it makes folders
    if reason := exporting.missing_runtime(request):
        screen.note(reason)
    screen.show(ExportView(exporting.export(request, engine, dataset)))
