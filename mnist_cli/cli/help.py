"""Help in Typer's panels on a terminal, and as plain text anywhere else."""

import sys
from types import ModuleType
from typing import Any

from typer.core import TyperCommand, TyperGroup

from mnist_cli.display.terminal import is_terminal


class Command(TyperCommand):
    """A command whose help suits stdout."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _choose_markup(self, ctx)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help suits stdout."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        _choose_markup(self, ctx)
        super().format_help(ctx, formatter)


def _choose_markup(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    """Have Typer print the help of a command with Rich's panels on a terminal, and without Rich anywhere else."""
    if not is_terminal(sys.stdout):
        command.rich_markup_mode = None
        return
    from rich.markup import escape

    # Typer imports these two modules for its panels, slowly, and does not use them here: replace them by empty ones.
    for name in ("Markdown", "Traceback"):
        module = ModuleType(f"rich.{name.lower()}")
        setattr(module, name, type(name, (), {}))
        sys.modules.setdefault(module.__name__, module)
    command.rich_markup_mode = "rich"
    command.epilog = escape((command.epilog or "").replace("\b\n", ""))
    for parameter in command.get_params(ctx):
        parameter.help = escape(parameter.help or "")  # type: ignore[attr-defined]
