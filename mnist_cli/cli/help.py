"""Help as Typer's panels on a terminal, and as plain text in a pipe."""

import os
import sys
from types import ModuleType
from typing import Any

from typer.core import TyperCommand, TyperGroup


class Command(TyperCommand):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _suit_to_stdout(self, ctx)
        super().format_help(ctx, formatter)


class Group(TyperGroup):
    def format_help(self, ctx: Any, formatter: Any) -> None:
        _suit_to_stdout(self, ctx)
        super().format_help(ctx, formatter)


def _suit_to_stdout(command: TyperCommand | TyperGroup, ctx: Any) -> None:
    """Choose how Typer writes the help of a command."""
    if not sys.stdout.isatty() or os.environ.get("TERM") in ("dumb", "unknown"):
        command.rich_markup_mode = None
        return
    from rich.markup import escape

    # Typer's panels import these two without need here, which takes longer than everything else.
    for name in ("Markdown", "Traceback"):
        module = ModuleType(f"rich.{name.lower()}")
        setattr(module, name, type(name, (), {}))
        sys.modules.setdefault(module.__name__, module)
    command.rich_markup_mode = "rich"
    command.epilog = escape((command.epilog or "").replace("\b\n", ""))
    for parameter in command.get_params(ctx):
        parameter.help = escape(parameter.help or "")  # type: ignore[attr-defined]
