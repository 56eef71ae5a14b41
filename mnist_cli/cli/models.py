"""Opening the model that a command was given, and noting what is unusual about it."""

import os
from pathlib import Path

from mnist_cli.data import MODEL_PATH
from mnist_cli.display.screen import Screen
from mnist_cli.model.engine import Engine, open_engine
from mnist_cli.model.file import ModelFile, read_model
from mnist_cli.model.interface import Interface
from mnist_cli.settings import DEFAULT_MODEL_PATH


def read_model_or_default(path: Path | None, screen: Screen) -> ModelFile:
    """The model at a path; without one, the user's own in its usual place, or else the one on board."""
    if path is None and not os.path.lexists(DEFAULT_MODEL_PATH):
        screen.note_with_result("Using the model that comes with mnistcli; `mnistcli train` makes your own.")
        path = MODEL_PATH
    model = read_model(path or DEFAULT_MODEL_PATH)
    if model.warning:
        screen.warning(model.warning)
    return model


def engine_for(path: Path | None, screen: Screen) -> Engine:
    """The engine for the model at a path, or for the default."""
    engine = open_engine(read_model_or_default(path, screen))
    tell_interface(engine.model.path, engine.interface, screen)
    return engine


def tell_interface(path: Path, interface: Interface, screen: Screen) -> None:
    """Tell what a model expects and returns where that differs from mnistcli's own models."""
    for note in interface.notes:
        screen.note(f"{path} {note}")
    if interface.warning:
        screen.warning(f"{path} {interface.warning}")
