"""The command `summary`."""

from mnist_cli.cli.options import Debug, Json, Model, Quiet


def summary(model: Model = None, json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Show a model's layers, their cost, and how it was trained."""
    from mnist_cli.cli.models import note_interface, read_model_or_default
    from mnist_cli.display.screen import Screen
    from mnist_cli.display.summary import SummaryView
    from mnist_cli.model.summary import summarize

    screen = Screen(quiet, "json" if json else "text")
    result = summarize(read_model_or_default(model, screen))
    if result.interface:
        note_interface(result.path, result.interface, screen)
    screen.show(SummaryView(result))
