"""What `predict --explain` draws: the image, where the network looked, and the ten probabilities."""

import numpy as np
from rich.table import Table
from rich.text import Text

from mnist_cli.display.blocks import blocks
from mnist_cli.display.prediction import percent
from mnist_cli.display.screen import Screen, clean
from mnist_cli.pictures.explanation import Explanation

_BAR = 30
# So wide are two pictures beside each other.
_BESIDE = 60


def show_explanation(screen: Screen, explanation: Explanation, steps: tuple[str, ...]) -> None:
    """Two pictures, side by side where there is room, a bar per digit, and the account of the preparation."""
    console = screen.out
    colour = console.color_system is not None and not console.no_color and not console.options.ascii_only
    strongest = explanation.importance.max()
    # The square root lets places show that matter little beside the one that matters most.
    importance = np.rint(255 * np.sqrt(explanation.importance / max(strongest, 1e-9))).astype(np.uint8)
    seen = [Text("As the network saw it", "bold"), blocks(explanation.pixels, colour)]
    looked = [Text("Where it looked", "bold"), blocks(importance, colour)]
    pictures = Table.grid(padding=(0, 4, 0, 0))
    beside = console.width >= _BESIDE
    for row in zip(seen, looked, strict=True) if beside else ((line,) for line in (*seen, "", *looked)):
        pictures.add_row(*row)
    place = "on the right" if beside else "there"
    fall = f"Blanking the brightest place {place} takes {percent(float(strongest))} from the answer."
    screen.result(pictures, Text(fall, "dim"), "", _bars(explanation, "#" if console.options.ascii_only else "█"), "")
    if steps:
        screen.result(Text(f"Prepared: {clean('; '.join(steps))}", "dim"), "")


def _bars(explanation: Explanation, full: str) -> Text:
    best = int(explanation.probabilities.argmax())
    lines = []
    for digit, share in enumerate(explanation.probabilities.tolist()):
        bar = (full * round(_BAR * share)).ljust(_BAR)
        style = "bold green" if digit == best else ""
        lines.append(Text.assemble((f"{digit}  ", "bold"), (bar, style), f"  {percent(share):>7}"))
    return Text("\n").join(lines)
