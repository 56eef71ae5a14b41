"""An evaluation as people see it, on any terminal, and as JSON."""

import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from conftest import certain
from rich.console import Console

from mnist_cli.display.charts import ReliabilityDiagram, heat_map
from mnist_cli.display.evaluation import EvaluationView, calibration_text, confusion_lines
from mnist_cli.display.images import Gallery
from mnist_cli.display.report import STARTS, report_content
from mnist_cli.evaluation.calibration import Bin, Coverage, calibration_error, coverage, reliability
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.report import Report
from mnist_cli.model.calibration import Calibration, tempered


def shown(*parts, width: int = 80, colour: str | None = None, encoding: str = "utf-8") -> str:
    buffer = io.BytesIO()
    console = Console(
        file=io.TextIOWrapper(buffer, encoding, errors="backslashreplace"),
        width=width,
        force_terminal=colour is not None,
        color_system=colour,
        markup=False,
        highlight=False,
        no_color=False,
        _environ={},
    )
    for part in parts:
        console.print(part)
    console.file.flush()
    return buffer.getvalue().decode(encoding)


def one_image(report: Report, answer: int) -> Report:
    """The report of a single image, of a 7."""
    index = int(np.flatnonzero(report.evaluation.labels == 7)[0])
    evaluation = Evaluation(np.array([7], np.uint8), certain(answer))
    return replace(report, images=report.images[index : index + 1], evaluation=evaluation, comparison=None)


def test_what_was_not_asked_for_is_not_shown(full_report: Report):
    report = replace(full_report, trials=None, comparison=None, is_mnist=False)
    values = EvaluationView(report).as_json()

    assert (values["robustness"], values["comparison"]) == (None, None)
    text = shown(*EvaluationView(report, 0).parts())
    assert not any(word in text for word in ("Robustness", "Comparison", "mistakes", "notebook"))


def test_confidence_is_judged_at_the_models_temperature_and_everything_else_as_it_is(full_report: Report):
    assert full_report.record is not None
    warm = replace(full_report, record=replace(full_report.record, calibration=Calibration(0.5, 0.6)))
    values, raw = (EvaluationView(report).as_json() for report in (warm, replace(full_report, record=None)))
    expected = Evaluation(warm.evaluation.labels, tempered(warm.evaluation.probabilities, 0.5))

    assert {key for key in values if values[key] != raw[key]} == {
        "temperature",
        "calibration_error",
        "reliability",
        "coverage",
    }
    assert values["temperature"] == 0.5
    assert values["calibration_error"] == calibration_error(expected)
    covered = coverage(expected, 0.6)
    assert values["coverage"] == {"threshold": 0.6, "share": covered.share, "accuracy": covered.accuracy}
    assert 0 < covered.share < 1
    text = shown(*EvaluationView(warm, 0).parts(), width=120)
    assert f"error {calibration_error(expected):.4f} (15 bins of equal width), at its own temperature 0.5" in text
    assert "At its own threshold 0.6 the model answers" in text


@pytest.mark.parametrize("without", ["record", "calibration"])
def test_without_a_calibration_the_confidence_is_judged_as_it_is(full_report: Report, without: str):
    assert full_report.record is not None
    record = None if without == "record" else replace(full_report.record, calibration=None)
    report = replace(full_report, record=record)
    values = EvaluationView(report).as_json()

    assert report.tempered is report.evaluation
    assert (report.coverage, values["coverage"], values["temperature"]) == (None, None, None)
    text = shown(*EvaluationView(report, 0).parts())
    assert not any(word in text for word in ("threshold", "temperature"))


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120, 200])
@pytest.mark.parametrize("colour", [None, "standard", "256", "truecolor"])
def test_a_report_with_everything_fits_any_terminal(full_report: Report, colour: str | None, width: int):
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown(*EvaluationView(full_report, 3).parts(), width=width, colour=colour))

    assert max(map(len, text.splitlines())) <= width


def test_a_report_with_everything_is_ascii_where_it_has_to_be(full_report: Report):
    text = shown(*EvaluationView(full_report, None).parts(), encoding="ascii", colour="truecolor")

    assert text.isascii()
    assert re.findall(r"\\u\w+|\\x\w\w", text) == [r"\xe9"]  # in the name of the model


def test_the_headline_names_the_notebook_for_mnist_only(full_report: Report):
    metrics = full_report.evaluation.metrics
    on_mnist, on_others = (
        shown(*EvaluationView(replace(full_report, is_mnist=is_it), 0).parts()) for is_it in (True, False)
    )

    assert f"Accuracy  {metrics.accuracy:.4f} (95 % interval " in on_mnist
    assert on_mnist.count("the notebook's: 0.9910") == on_mnist.count("the notebook's: 0.0241") == 1
    assert "notebook" not in on_others


@pytest.mark.parametrize("answer", [7, 1])
def test_a_single_image_makes_a_report(full_report: Report, answer: int):
    report = one_image(full_report, answer)
    text, values = shown(*EvaluationView(report, None).parts()), EvaluationView(report).as_json()

    assert ("7 read as 1: 1 of 1" in text) == ("Worst mistakes" in text) == (answer == 1)
    assert values["accuracy"] == (answer == 7)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert report_content(".html", report, None).startswith(STARTS[".html"])


def test_the_heat_map_has_its_numbers_with_and_without_colour(full_report: Report):
    table = heat_map(full_report.evaluation)
    plain, coloured = shown(table), shown(table, colour="truecolor")

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    rows = [line.split() for line in plain.splitlines()[1:]]
    expected = full_report.evaluation.confusion
    assert [[int(cell.replace(".", "0")) for cell in row[1:]] for row in rows] == expected.tolist()
    assert [row[0] for row in rows] == list("0123456789")


def test_the_colour_of_a_cell_is_its_share_of_the_row_not_its_number():
    labels = np.repeat([0, 1], [1000, 10]).astype(np.uint8)
    answers = np.concatenate([np.repeat([0, 2], [999, 1]), np.repeat([1, 2], [9, 1])])
    lines = shown(heat_map(Evaluation(labels, certain(*answers))), colour="truecolor").splitlines()

    of_thousand, of_ten = (re.findall(r"\x1b\[([0-9;]*)m +1 \x1b", line)[-1] for line in lines[1:3])
    assert of_thousand != of_ten


def test_confusions_are_told_in_words():
    labels, answers = [4] * 982 + [7], [9] * 8 + [4] * 974 + [7]
    evaluation = Evaluation(np.array(labels, np.uint8), certain(*answers))

    assert "4 read as 9: 8 of 982" in confusion_lines(evaluation).plain.split("\n")
    assert "No image" in confusion_lines(Evaluation(np.array([4], np.uint8), certain(4))).plain


def test_a_bar_ends_at_the_accuracy_and_its_mark_stands_at_the_confidence():
    bins = (Bin(0.4, 0.6, 10, 0.5, 0.2), Bin(0.6, 0.8, 0, None, None), Bin(0.8, 1.0, 10, 0.9, 1.0))
    lines = shown(ReliabilityDiagram(bins), width=46 + 20, encoding="ascii").splitlines()[2:]

    bars = [line[-20:] for line in lines]
    assert bars == ["####      |         ", "##################|#"]


def test_where_there_is_no_room_for_bars_there_are_figures(full_report: Report):
    text = shown(ReliabilityDiagram(reliability(full_report.evaluation)), width=50)

    assert "right" in text and "━" not in text


def test_coverage_is_told_where_there_is_a_threshold():
    calibration = Calibration(1.5, 0.9)
    covered = calibration_text(0.01, calibration, Coverage(0.9, 1000, 987, 986)).plain

    assert "answers 98.7 % of the images, 99.9 % of those right" in covered
    assert "threshold" not in calibration_text(0.01, None, None).plain
    assert calibration_text(0.01, calibration, Coverage(1.1, 10, 0, 0)).plain.endswith("answers 0 % of the images")
    all_right = calibration_text(0.01, calibration, Coverage(0.0, 10, 10, 10)).plain
    assert "answers 100 % of the images, 100 % of" in all_right


@pytest.mark.parametrize(("width", "fitting"), [(20, 1), (57, 1), (58, 2), (80, 2), (120, 4)])
def test_as_many_mistakes_are_drawn_as_fit_in_a_row(full_report: Report, width: int, fitting: int):
    mistakes = full_report.evaluation.mistakes
    text = shown(Gallery(full_report.images, mistakes, None), width=width)

    assert re.findall(r"image ([\d,]+)", text) == [str(mistake.index) for mistake in mistakes[:fitting]]


def test_more_mistakes_take_more_rows_and_there_are_no_more_than_there_are(full_report: Report):
    mistakes = full_report.evaluation.mistakes
    for number in (1, 3, 1000):
        text = shown(Gallery(full_report.images, mistakes, number))
        assert text.count("image ") == text.count(" read as ") == min(number, len(mistakes))


def test_mistakes_are_drawn_in_half_blocks_where_there_is_colour_only(full_report: Report):
    gallery = Gallery(full_report.images, full_report.evaluation.mistakes, 1)

    assert "▀" in shown(gallery, colour="truecolor") and "▀" in shown(gallery, colour="256")
    assert "▀" not in shown(gallery) and "@" in shown(gallery)
