"""Opens the model of a command, and notes what is unusual about it."""

import os
from pathlib import Path

from mnist_cli.data import MODEL_PATH
from mnist_cli.display.screen import Screen
from mnist_cli.model.engine import Engine, open_engine
from mnist_cli.model.file import ModelFile, read_model
from mnist_cli.model.interface import Interface
from mnist_cli.settings import DEFAULT_MODEL_PATH


def read_model_or_default(path: Path | None, screen: Screen) -> ModelFile:
    """The model at a path; None: the user's own in its usual place, or else the one that comes with mnistcli.

    Raises `ModelError`.
    """
    if path is None and not os.path.lexists(DEFAULT_MODEL_PATH):
        screen.note_with_result("using the model that comes with mnistcli; `mnistcli train` trains your own")
        path = MODEL_PATH
    model = read_model(path or DEFAULT_MODEL_PATH)
    if model.warning:
        screen.warning(model.warning)
    return model


def engine_for(path: Path | None, screen: Screen) -> Engine:
    """The engine for the model at a path, or for the default model. Raises `ModelError`."""
    engine = open_engine(read_model_or_default(path, screen))
    note_interface(engine.model.path, engine.interface, screen)
    return engine


def note_interface(path: Path, interface: Interface, screen: Screen) -> None:
    """Print how the inputs and outputs of a model differ from those of mnistcli's own models, if they do."""
    for note in interface.notes:
        screen.note(f"{path} {note}")
    if interface.warning:
        screen.warning(f"{path} {interface.warning}")
