"""The command `train`."""

import shlex
import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from mnist_cli.cli.options import AsIs, Debug, Json, Quiet, data_option, default, file_option
from mnist_cli.settings import DEFAULT_MODEL_PATH, OPTIMIZERS, PRECISIONS, RECIPES, SCHEDULES

_RECIPE, _RUN, _FILES = "Recipe", "Run", "Data and files"
RECIPE_LINES = "\b\nRecipes:\n" + "\n".join(f"  {name:<9} {recipe.purpose}" for name, recipe in RECIPES.items())


def _setting(setting: str, metavar: str, text: str, panel: str = _RECIPE) -> Any:
    """An option for a setting. Its help names the default of the notebook recipe, and of those that differ from it."""
    values = {name: str(getattr(recipe.settings, setting)) for name, recipe in RECIPES.items()}
    notebook = values["notebook"]
    others = [f"{name}: {value}" for name, value in values.items() if value != notebook]
    text += default("; ".join([notebook, *others]))
    return typer.Option(metavar=metavar, help=text, show_default=False, rich_help_panel=panel)


Recipe = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(RECIPES),
        help=f"The settings to start from; see below.{default('notebook')}",
        show_default=False,
        rich_help_panel=_RECIPE,
    ),
]
Epochs = Annotated[int | None, _setting("epochs", "N", "Number of passes over the training images.")]
BatchSize = Annotated[int | None, _setting("batch_size", "N", "Number of images per step.")]
Optimizer = Annotated[
    str | None,
    _setting("optimizer", "|".join(OPTIMIZERS), "Optimizer; muon: Muon for the convolutions, Adam for the rest."),
]
LearningRate = Annotated[float | None, _setting("learning_rate", "X", "The highest learning rate.")]
Schedule = Annotated[
    str | None, _setting("schedule", "|".join(SCHEDULES), "How the learning rate falls from its highest.")
]
Warmup = Annotated[
    float | None, _setting("warmup", "X", "Number of epochs in which the learning rate rises to its highest.")
]
WeightDecay = Annotated[float | None, _setting("weight_decay", "X", "How strongly kernels are pulled towards 0.")]
Dropout = Annotated[float | None, _setting("dropout", "X", "Share of the features that are dropped.")]
Augment = Annotated[float | None, _setting("augment", "X", "How strongly images are distorted, from 0 to 1.")]
Averaging = Annotated[
    float | None, _setting("averaging", "X", "Decay of the moving average of the weights; 0: no average.")
]
ValidationSplit = Annotated[
    float | None,
    _setting("validation_split", "X", "Share of the training images, the last ones, kept for validation.", _RUN),
]
Patience = Annotated[
    int | None,
    _setting("patience", "N", "Stop after this many epochs without a lower validation loss; 0: never.", _RUN),
]
Precision = Annotated[
    str | None,
    _setting(
        "precision",
        "|".join(PRECISIONS),
        "Number format of the training steps; auto: bfloat16 where it is clearly faster.",
        _RUN,
    ),
]
Seed = Annotated[int | None, _setting("seed", "N", "Seed of the initial weights and of everything random.", _RUN)]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Continue the run for this output; a larger --epochs extends it.", rich_help_panel=_RUN
    ),
]
FromRecord = Annotated[
    Path | None,
    file_option("--from-record", help="Repeat the run of a training record and compare the models.", panel=_RUN),
]
Data = Annotated[
    Path | None,
    data_option(
        f"An .npz, CSV or Parquet file, or a folder with IDX files or pictures.{default('MNIST')}",
        panel=_FILES,
    ),
]
Output = Annotated[
    Path | None,
    file_option("--output", "-o", help=f"Where to save the model.{default(str(DEFAULT_MODEL_PATH))}", panel=_FILES),
]
Tensorboard = Annotated[
    Path | None,
    file_option("--tensorboard", metavar="DIR", help="Also write loss and accuracy for TensorBoard.", panel=_FILES),
]


def train(
    recipe: Recipe = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    optimizer: Optimizer = None,
    learning_rate: LearningRate = None,
    schedule: Schedule = None,
    warmup: Warmup = None,
    weight_decay: WeightDecay = None,
    dropout: Dropout = None,
    augment: Augment = None,
    averaging: Averaging = None,
    validation_split: ValidationSplit = None,
    patience: Patience = None,
    precision: Precision = None,
    seed: Seed = None,
    resume: Resume = False,
    from_record: FromRecord = None,
    data: Data = None,
    as_is: AsIs = False,
    output: Output = None,
    tensorboard: Tensorboard = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train the classic two-convolution network and save it."""
    from mnist_cli.display.progress import show_training
    from mnist_cli.display.screen import Screen
    from mnist_cli.display.training import TrainedView
    from mnist_cli.training.run import train as run
    from mnist_cli.training.start import TrainingRequest
    from mnist_cli.training.stopping import StopRequest

    request = TrainingRequest(
        chosen={
            "recipe": recipe,
            "epochs": epochs,
            "batch_size": batch_size,
            "validation_split": validation_split,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "warmup": warmup,
            "weight_decay": weight_decay,
            "dropout": dropout,
            "augment": augment,
            "averaging": averaging,
            "patience": patience,
            "precision": precision,
            "seed": seed,
        },
        output_path=output,
        data_path=data,
        data_as_is=as_is,
        resume=resume,
        record_path=from_record,
        tensorboard_path=tensorboard,
        command=shlex.join(["mnistcli", *sys.argv[1:]]),
    )
    screen, stop = Screen(quiet, "json" if json else "text"), StopRequest()
    with stop.on_signals(), closing(run(request, stop)) as events:
        trained = show_training(screen, events)
    screen.show(TrainedView(trained))
    if stop.requested:
        raise stop.interruption(hint="the run was already finished, and the model is saved")
