"""The output of `summary`, as text and as JSON."""

from typing import Any

from rich.table import Table
from rich.text import Text

from mnist_cli.display.layout import fields, table
from mnist_cli.display.screen import Screen, View, clean
from mnist_cli.model.layers.base import shape_text
from mnist_cli.model.record import Record
from mnist_cli.model.summary import Summary
from mnist_cli.storage.files import size_text


class SummaryView(View):
    """A model's layers, their cost, and its training record."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    def as_text(self, screen: Screen) -> None:
        summary = self._summary
        screen.result(f"Model {clean(summary.path)}", "", _layers_table(summary), "", _totals(summary))
        if summary.record is not None:
            screen.result("", _record_fields(summary.record))

    def as_json(self) -> dict[str, Any]:
        summary, network, interface = self._summary, self._summary.network, self._summary.interface
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
            "input_shape": list(network.input_shape),
            "pixels": str(interface.pixels) if interface else None,
            "outputs": interface.outputs if interface else None,
            "parameters": network.parameters,
            "trainable_parameters": network.trainable_parameters,
            "parameter_bytes": summary.parameter_bytes,
            "activation_bytes": summary.activation_bytes,
            "multiply_adds": network.multiply_adds,
            "record": summary.record.as_json() if summary.record else None,
        }


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
    frozen = network.parameters - network.trainable_parameters
    frozen_text = f" ({frozen:,} not)" if frozen else ", all of them"
    return fields(
        {
            "Input": _input_text(summary),
            "Parameters": f"{network.parameters:,} ({size_text(summary.parameter_bytes)} as float32)",
            "Trainable": f"{network.trainable_parameters:,}{frozen_text}",
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
