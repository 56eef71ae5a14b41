"""The output of `summary --data`, as text and as JSON."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mnist_cli.arrays import CLASSES, SIDE
from mnist_cli.datasets.overview import Overview, PartOverview, Suspect
from mnist_cli.display.images import Drawings, blocks, has_half_blocks
from mnist_cli.display.layout import fields, percent, section, table
from mnist_cli.display.screen import Screen, View, clean
from mnist_cli.wording import count

_DRAWN = 12  # suspects
_GAP = 2


class OverviewView(View):
    """The digits of a data set per part, their mean images, and the labels that the model doubts."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview

    def as_text(self, screen: Screen) -> None:
        overview = self._overview
        rows = {"Data": overview.name}
        for part in overview.parts:
            size = f"{count(sum(part.counts), 'image')} of 28x28, pixels {part.lowest} to {part.highest}"
            rows[part.name.capitalize()] = f"{size}; {part.duplicates:,} repeat another one"
        if len(overview.parts) > 1:
            rows["In both"] = count(overview.duplicates, "image")
        screen.result(fields(rows), "", _digits_table(overview))
        for part in overview.parts:
            drawn = (_digit_row(part, digit, screen.out) for digit in range(CLASSES) if part.counts[digit])
            explanation = f"{part.name}, at half their size: the mean image of each digit, and examples"
            screen.result("", section("Digits", explanation, *drawn))
        screen.result("", section("Suspects", self._explanation(), _suspects(overview.suspects)))

    def _explanation(self) -> str:
        number = count(len(self._overview.suspects), "label")
        known = "; it has learned from these training images, so that it doubts few" if self._overview.is_known else ""
        return f"{number} that the model with mnistcli doubts, the most doubtful first{known}"

    def as_json(self) -> dict[str, Any]:
        overview = self._overview
        return {
            "data": overview.name,
            "parts": [_part_json(part) for part in overview.parts],
            "duplicates": overview.duplicates,
            "suspects": [_suspect_json(suspect) for suspect in overview.suspects],
        }


def _part_json(part: PartOverview) -> dict[str, Any]:
    return {
        "part": part.name,
        "samples": sum(part.counts),
        "support": list(part.counts),
        "lowest": part.lowest,
        "highest": part.highest,
        "repeated": part.duplicates,
    }


def _suspect_json(suspect: Suspect) -> dict[str, Any]:
    return {
        "part": suspect.part,
        "index": suspect.index,
        "label": suspect.label,
        "answer": suspect.answer,
        "confidence": suspect.confidence,
        "path": str(suspect.path) if suspect.path else None,
    }


def _digits_table(overview: Overview) -> Table:
    rows = table("digit", *(f"{part.name} images" for part in overview.parts))
    for digit in range(CLASSES):
        rows.add_row(str(digit), *(f"{part.counts[digit]:,}" for part in overview.parts))
    return rows


def _digit_row(part: PartOverview, digit: int, console: Console) -> Table:
    """The mean image and the examples of a digit side by side."""
    grid = Table.grid(padding=(0, _GAP, 1, 0))
    pixels = [part.means[digit], *part.examples[digit]]
    grid.add_row(Text(str(digit), "bold"), *(blocks(_halved(image), has_half_blocks(console)) for image in pixels))
    return grid


def _halved(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image at half its size: uint8, shape (14, 14)."""
    halved: NDArray[np.uint8] = image.reshape(SIDE // 2, 2, SIDE // 2, 2).mean(axis=(1, 3)).astype(np.uint8)
    return halved


def _suspects(suspects: tuple[Suspect, ...]) -> Drawings | Text:
    if not suspects:
        return Text("None.")
    return Drawings([suspect.pixels for suspect in suspects], list(map(_caption, suspects)), _DRAWN)


def _caption(suspect: Suspect) -> str:
    place = clean(suspect.path) if suspect.path else f"{suspect.part} image {suspect.index:,}"
    return f"{suspect.label}, read as {suspect.answer}\nlabel {percent(suspect.confidence)}\n{place}"
