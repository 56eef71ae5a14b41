"""What `summary` says."""

from typing import Any

from rich.table import Table
from rich.text import Text

from mnist_cli.architecture import shape_text
from mnist_cli.display.screen import Screen, clean, fields
from mnist_cli.display.tables import table
from mnist_cli.files import size_text
from mnist_cli.record import Record
from mnist_cli.summary import Summary


def show_summary(screen: Screen, summary: Summary) -> None:
    screen.result(f"Model {clean(summary.path)}", "", _layers_table(summary), "", _totals(summary))
    if summary.record is not None:
        screen.result("", _record_fields(summary.record))


def _layers_table(summary: Summary) -> Table:
    rows = table("<layer", "<kind", "<output shape", "parameters", "multiply-adds")
    for layer in summary.layers:
        rows.add_row(
            clean(layer.name),
            clean(layer.type),
            shape_text(layer.output_shape),
            f"{layer.parameters:,}",
            f"{layer.multiply_adds:,}",
        )
    return rows


def _totals(summary: Summary) -> Text:
    frozen = summary.parameters - summary.trainable
    return fields(
        {
            "Parameters": f"{summary.parameters:,} ({size_text(summary.parameter_bytes)} as float32)",
            "Trainable": f"{summary.trainable:,}" + (f" ({frozen:,} not)" if frozen else ", all of them"),
            "Multiply-adds": f"{summary.multiply_adds:,} for one image",
            "Activations": f"{size_text(summary.activation_bytes)} for one image",
        }
    )


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
                "name": layer.name,
                "type": layer.type,
                "output_shape": list(layer.output_shape),
                "parameters": layer.parameters,
                "multiply_adds": layer.multiply_adds,
            }
            for layer in summary.layers
        ],
        "parameters": summary.parameters,
        "trainable_parameters": summary.trainable,
        "parameter_bytes": summary.parameter_bytes,
        "activation_bytes": summary.activation_bytes,
        "multiply_adds": summary.multiply_adds,
        "record": summary.record.as_json() if summary.record else None,
    }
