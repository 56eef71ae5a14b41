"""Settings that refuse nonsense, and the split of the training images."""

import pytest

from mnist_cli.errors import SettingError
from mnist_cli.recipes import Settings


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
        ("--seed", {"seed": -1}),
        ("--seed", {"seed": 2**32}),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_option(option: str, values: dict):
    with pytest.raises(SettingError) as refusal:
        Settings(**values)

    assert refusal.value.option == option


def test_no_validation_is_a_choice():
    assert Settings(validation_split=0).split(100) == (100, 0)


def test_a_split_that_leaves_nothing_to_train_on_is_refused():
    assert Settings(validation_split=0.001).split(100) == (99, 1)
    with pytest.raises(SettingError, match="none of the 100 images"):
        Settings(validation_split=0.999).split(100)
