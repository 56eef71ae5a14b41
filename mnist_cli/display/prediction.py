"""What `predict` says."""

from typing import Any

from rich.text import Text

from mnist_cli.display.screen import Screen, clean
from mnist_cli.errors import PictureError
from mnist_cli.prediction import Prediction


def show_prediction(screen: Screen, prediction: Prediction, top: int) -> None:
    """One picture on one line: the digit, how sure, its name, and the runners-up."""
    if prediction.status == "error":
        screen.error(PictureError(prediction.error or "", prediction.hint))
        return
    if prediction.confidence is None:
        screen.result(Text.assemble(("-", "bold"), f"          {clean(prediction.path)}  no digit found"))
        return
    runners_up = ", ".join(f"{digit} {percent(share)}" for digit, share in prediction.ranking()[1:top])
    screen.result(
        Text.assemble(
            (str(prediction.digit), "bold green"),
            f"  {percent(prediction.confidence):>7}  {clean(prediction.path)}",
            (f"  then {runners_up}" if runners_up else "", "dim"),
        )
    )


def percent(share: float) -> str:
    """A share of 1 with one decimal; what is not quite all never reads as 100 %."""
    if share > 0.999:
        return ">99.9 %"
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "<0.1 %"


def prediction_json(prediction: Prediction) -> dict[str, Any]:
    return {
        "path": str(prediction.path),
        "status": prediction.status,
        "digit": prediction.digit,
        "digits": list(prediction.digits),
        "confidence": prediction.confidence,
        "probabilities": list(prediction.probabilities) if prediction.probabilities else None,
        "steps": list(prediction.steps),
        "error": f"{prediction.error}. {prediction.hint}".removesuffix(". ") if prediction.error else None,
    }
