"""The output of `export`, as text and as JSON."""

from typing import Any

from mnist_cli.display.layout import fields
from mnist_cli.display.screen import Screen, View
from mnist_cli.exporting.check import Check
from mnist_cli.exporting.export import Export
from mnist_cli.storage.files import size_text
from mnist_cli.wording import count


class ExportView(View):
    """What was written, and how its answers compare with those of the engine."""

    def __init__(self, export: Export) -> None:
        self._export = export

    def as_text(self, screen: Screen) -> None:
        export = self._export
        number = "one at a time" if export.one_by_one else "any number at once"
        rows = {
            "File": f"{export.path}, {size_text(export.size)}",
            "Takes": f"image: 28x28x1, {export.input_type}{_range(export.input_type)}; {number}",
            "Gives": f"probabilities: 10, {export.output_type}",
        }
        if export.check:
            rows |= _check_rows(export.check)
        screen.result(fields(rows))

    def as_json(self) -> dict[str, Any]:
        export, check = self._export, self._export.check
        return {
            "file": str(export.path),
            "bytes": export.size,
            "input": export.input_type,
            "output": export.output_type,
            "check": _check_json(check) if check else None,
        }


def _range(kind: str) -> str:
    """The range of pixels, as an addition to their type; that of int8 is in the file."""
    return {"float32": ", 0 to 1", "uint8": ", 0 to 255"}.get(kind, "")


def _check_rows(check: Check) -> dict[str, str]:
    exported, engine = check.exported.metrics.accuracy, check.engine.metrics.accuracy
    differing = count(check.differing, "image")
    return {
        "Checked": f"by {check.runtime} on {count(check.engine.samples, 'test image')}",
        "Accuracy": f"{exported:.4f}; NumPy engine: {engine:.4f}",
        "Difference": f"{differing} answered differently, at most {check.largest_difference:.2g} in a probability",
        "Time": f"{check.milliseconds:.2f} ms for one image; NumPy engine: {check.engine_milliseconds:.2f} ms",
    }


def _check_json(check: Check) -> dict[str, Any]:
    return {
        "runtime": check.runtime,
        "samples": check.engine.samples,
        "accuracy": check.exported.metrics.accuracy,
        "engine_accuracy": check.engine.metrics.accuracy,
        "answered_differently": check.differing,
        "largest_difference": check.largest_difference,
        "milliseconds": check.milliseconds,
        "engine_milliseconds": check.engine_milliseconds,
    }
