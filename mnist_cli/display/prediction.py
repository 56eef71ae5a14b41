"""What `predict` says."""

from typing import Any

from rich.text import Text

from mnist_cli.display.screen import Screen, clean
from mnist_cli.errors import PictureError
from mnist_cli.prediction import Reading


def show_reading(screen: Screen, reading: Reading, top: int) -> None:
    """One picture on one line: the digit, how sure, its name, and the runners-up."""
    if reading.status == "error":
        screen.error(PictureError(reading.error or "", reading.hint))
        return
    if reading.confidence is None:
        screen.result(Text.assemble(("-", "bold"), f"          {clean(reading.path)}  no digit found"))
        return
    runners_up = ", ".join(f"{digit} {percent(share)}" for digit, share in reading.ranking()[1:top])
    screen.result(
        Text.assemble(
            (str(reading.digit), "bold green"),
            f"  {percent(reading.confidence):>7}  {clean(reading.path)}",
            (f"  then {runners_up}" if runners_up else "", "dim"),
        )
    )


def percent(share: float) -> str:
    """A share of 1 with one decimal; what is not quite all never reads as 100 %."""
    if share > 0.999:
        return ">99.9 %"
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "<0.1 %"


def reading_json(reading: Reading) -> dict[str, Any]:
    return {
        "path": str(reading.path),
        "status": reading.status,
        "digit": reading.digit,
        "digits": list(reading.digits),
        "confidence": reading.confidence,
        "probabilities": list(reading.probabilities) if reading.probabilities else None,
        "steps": list(reading.steps),
        "error": reading.error,
    }
