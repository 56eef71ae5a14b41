"""One reading for each picture, in order, with what is sure and what is not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import Run

from mnist_cli.arrays import Images, Probabilities
from mnist_cli.model.calibration import Calibration
from mnist_cli.model.interface import Interface
from mnist_cli.pictures.explanation import explain
from mnist_cli.pictures.preparation import resize
from mnist_cli.pictures.reader import Reader


class Weigher:
    """Stands in for a network: how sure it is of 3 rather than 8 depends on the ink alone."""

    def __init__(self, share: float = 0.5) -> None:
        self.share = share
        self.interface = Interface()

    def probabilities(self, images: Images) -> Probabilities:
        result = np.zeros((len(images), 10))
        result[:, 3] = self.share * (images.reshape(len(images), -1).max(axis=1) > 0)
        result[:, 8] = 1 - result[:, 3]
        return result


@pytest.fixture
def page(tmp_path: Path) -> Path:
    image = np.full((200, 200), 255, np.uint8)
    image[50:150, 90:102] = 0
    Image.fromarray(image).save(tmp_path / "page.png")
    return tmp_path / "page.png"


@pytest.mark.parametrize(("share", "status", "candidates"), [(0.9, "digit", ()), (0.6, "unsure", (3, 8))])
def test_below_the_threshold_it_is_not_sure(share: float, status: str, candidates: tuple, page: Path):
    (prediction,) = Reader(Weigher(share), Calibration(1.0, 0.7)).read_all([page])

    assert (prediction.status, prediction.candidates) == (status, candidates)
    assert prediction.digit == (3 if status == "digit" else None)
    assert prediction.confidence == pytest.approx(share)


def test_the_temperature_takes_from_the_confidence(page: Path):
    (prediction,) = Reader(Weigher(0.9), Calibration(2.0, 0.5)).read_all([page])

    assert prediction.confidence == pytest.approx(0.9**0.5 / (0.9**0.5 + 0.1**0.5))


def test_many_pictures_come_in_their_order_with_the_bad_ones_in_their_place(page: Path, tmp_path: Path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    Image.new("L", (90, 90), 255).save(tmp_path / "blank.png")
    paths = [page, bad, tmp_path / "blank.png"] * 40

    predictions = list(Reader(Weigher(0.9)).read_all(paths))

    assert [prediction.path for prediction in predictions] == paths
    assert [prediction.status for prediction in predictions] == ["digit", "error", "none"] * 40


def test_many_tiffs_are_read_at_once(run: Run, page: Path, tmp_path: Path):
    """Their decoder is kept quiet through a descriptor that all threads share."""
    (tmp_path / "tiffs").mkdir()
    for index in range(40):
        Image.open(page).save(tmp_path / "tiffs" / f"{index}.tiff")

    done = run("predict", "--csv", tmp_path / "tiffs")

    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 41


def test_reading_may_stop_before_the_end(page: Path):
    predictions = Reader(Weigher()).read_all([page] * 1000)

    assert next(predictions).path == page
    predictions.close()


def test_a_picture_of_28x28_is_read_as_it_is_where_pictures_are_only_resized(tmp_path: Path):
    pixels = np.arange(784, dtype=np.uint8).reshape(28, 28)
    Image.fromarray(pixels).save(tmp_path / "a.png")

    (prediction,) = Reader(Weigher(), preparation=resize).read_all([tmp_path / "a.png"])

    assert np.array_equal(prediction.pixels, [pixels])
    assert prediction.steps == ()


def test_the_explanation_finds_the_only_place_that_matters():
    pixels = np.zeros((28, 28), np.uint8)
    pixels[10, 20] = 255

    explanation = explain(Reader(Weigher(0.9)).probabilities, pixels)

    rows, columns = np.nonzero(explanation.importance)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (8, 12, 18, 22)
    assert explanation.importance.max() == pytest.approx(0.9)
    assert explanation.probabilities[3] == pytest.approx(0.9)
