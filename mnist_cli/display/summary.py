"""What `summary` says."""

from typing import Any

from rich.table import Table
from rich.text import Text

from mnist_cli.display.screen import Screen, clean, fields
from mnist_cli.display.tables import table
from mnist_cli.model.layers.base import shape_text
from mnist_cli.model.record import Record
from mnist_cli.model.summary import Summary
from mnist_cli.storage.files import size_text


def show_summary(screen: Screen, summary: Summary) -> None:
    screen.result(f"Model {clean(summary.path)}", "", _layers_table(summary), "", _totals(summary))
    if summary.record is not None:
        screen.result("", _record_fields(summary.record))


def _layers_table(summary: Summary) -> Table:
    rows = table("<layer", "<kind", "<output shape", "parameters", "multiply-adds")
    for stage in summary.stages:
        rows.add_row(
            clean(stage.layer.name),
            type(stage.layer).__name__,
            shape_text(stage.output_shape),
            f"{stage.parameters:,}",
            f"{stage.multiply_adds:,}",
        )
    return rows


def _totals(summary: Summary) -> Text:
    network = summary.network
    frozen = network.parameters - network.trainable
    return fields(
        {
            "Input": _input_text(summary),
            "Parameters": f"{network.parameters:,} ({size_text(summary.parameter_bytes)} as float32)",
            "Trainable": f"{network.trainable:,}" + (f" ({frozen:,} not)" if frozen else ", all of them"),
            "Multiply-adds": f"{network.multiply_adds:,} for one image",
            "Activations": f"{size_text(summary.activation_bytes)} for one image",
        }
    )


def _input_text(summary: Summary) -> str:
    shape = shape_text(summary.network.input_shape)
    return f"{shape}, pixels {summary.interface.pixels}" if summary.interface else f"{shape}; not a digit classifier"


def _record_fields(record: Record) -> Text:
    settings = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in record.settings.items())
    versions = ", ".join(f"{name} {value}" for name, value in record.versions.items())
    rows = {
        "Trained by": record.command,
        "Recipe": f"{record.recipe}: {settings}",
        "On": f"{record.data.name} ({record.data.training:,} images, {record.data.validation:,} to validate)",
        "Epochs": f"{len(record.history)} in {record.seconds:.1f} s on {record.machine.get('processor', '?')}",
        "With": versions,
        "Test": f"loss {record.test.loss:.4f}, accuracy {record.test.accuracy:.4f} ({record.data.test:,} images)",
    }
    if record.calibration:
        temperature, threshold = record.calibration.temperature, record.calibration.threshold
        rows["Calibration"] = f"temperature {temperature:.4g}, threshold {threshold:.4g}"
    return fields(rows)


def summary_json(summary: Summary) -> dict[str, Any]:
    return {
        "model": str(summary.path),
        "layers": [
            {
                "name": stage.layer.name,
                "type": type(stage.layer).__name__,
                "output_shape": list(stage.output_shape),
                "parameters": stage.parameters,
                "multiply_adds": stage.multiply_adds,
            }
            for stage in summary.stages
        ],
        "input_shape": list(summary.network.input_shape),
        "pixels": str(summary.interface.pixels) if summary.interface else None,
        "outputs": summary.interface.outputs if summary.interface else None,
        "parameters": summary.network.parameters,
        "trainable_parameters": summary.network.trainable,
        "parameter_bytes": summary.parameter_bytes,
        "activation_bytes": summary.activation_bytes,
        "multiply_adds": summary.network.multiply_adds,
        "record": summary.record.as_json() if summary.record else None,
    }
