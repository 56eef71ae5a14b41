"""Settings that refuse nonsense, and the split of the training images."""

import pytest

from mnist_cli.errors import SettingError
from mnist_cli.settings import RECIPES, Settings, settings_of


def test_the_notebook_recipe_is_the_default():
    settings = Settings()

    assert (settings.epochs, settings.batch_size, settings.validation_split) == (15, 128, 0.1)
    assert settings.split(60_000) == (54_000, 6_000)
    assert settings.steps(54_000) == 422


def test_a_split_counts_as_people_do():
    assert Settings(validation_split=0.9).split(10) == (1, 9)


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--epochs", {"epochs": 0}),
        ("--epochs", {"epochs": -1}),
        ("--batch-size", {"batch_size": 0}),
        ("--validation-split", {"validation_split": 1.5}),
        ("--validation-split", {"validation_split": 1.0}),
        ("--validation-split", {"validation_split": -0.1}),
        ("--validation-split", {"validation_split": float("nan")}),
        ("--optimizer", {"optimizer": "sgd"}),
        ("--learning-rate", {"learning_rate": 0.0}),
        ("--learning-rate", {"learning_rate": float("nan")}),
        ("--learning-rate", {"learning_rate": float("inf")}),
        ("--schedule", {"schedule": "step"}),
        ("--warmup", {"warmup": -1.0}),
        ("--warmup", {"warmup": 3.0, "epochs": 2}),
        ("--weight-decay", {"weight_decay": -0.1}),
        ("--dropout", {"dropout": 1.0}),
        ("--augment", {"augment": 1.1}),
        ("--averaging", {"averaging": 1.0}),
        ("--patience", {"patience": -1}),
        ("--patience", {"patience": 1, "validation_split": 0.0}),
        ("--precision", {"precision": "float16"}),
        ("--seed", {"seed": -1}),
        ("--seed", {"seed": 2**32}),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_option(option: str, values: dict):
    with pytest.raises(SettingError) as refusal:
        Settings(**values)

    assert refusal.value.message.startswith(option)


def test_no_validation_is_a_choice():
    assert Settings(validation_split=0).split(100) == (100, 0)


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    assert Settings(validation_split=0.001).split(100) == (99, 1)
    with pytest.raises(SettingError, match="none of the 100 images"):
        Settings(validation_split=0.999).split(100)


def test_without_a_schedule_every_step_has_the_same_learning_rate():
    assert Settings(epochs=2).learning_rates(2, 3) == [0.001] * 3


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_schedule_falls_from_the_peak_towards_zero(schedule: str):
    settings = Settings(epochs=2, learning_rate=1.0, schedule=schedule)
    rates = settings.learning_rates(1, 50) + settings.learning_rates(2, 50)

    assert rates[0] == 1.0
    assert rates[50] == pytest.approx(0.5)
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < 0.02


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_a_warm_up_rises_to_the_peak(schedule: str):
    rates = Settings(epochs=2, learning_rate=1.0, schedule=schedule, warmup=0.5).learning_rates(1, 10)

    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[5] == 1.0


def test_a_run_may_be_all_warm_up():
    rates = Settings(epochs=1, learning_rate=1.0, schedule="linear", warmup=1).learning_rates(1, 4)

    assert rates == pytest.approx([0.25, 0.5, 0.75, 1.0])


def test_a_recipe_gives_what_is_not_chosen():
    chosen = settings_of({"recipe": "notebook", "dropout": 0.3, "epochs": None})

    assert chosen == Settings(dropout=0.3)
    assert chosen.changes == {"dropout": 0.3}
    assert settings_of({"epochs": 3, "seed": 1}).changes == {}


def test_an_unknown_recipe_is_refused():
    with pytest.raises(SettingError, match="notebook, fast, best"):
        settings_of({"recipe": "quick"})


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_one_of_this_network(name: str):
    settings = settings_of({"recipe": name})

    assert (settings.recipe, settings.changes) == (name, {})
    assert settings.validation_split == 0.1
    assert settings.precision == "auto"
