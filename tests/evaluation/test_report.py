"""The report of an evaluation: what is in it, how it is shown anywhere, and the file that it is kept in."""

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from mnist_cli.data import MODEL_PATH
from mnist_cli.datasets.dataset import open_dataset
from mnist_cli.display.charts import ReliabilityDiagram, heat_map
from mnist_cli.display.evaluation import EvaluationView, calibration_text, confusion_lines
from mnist_cli.display.images import Gallery
from mnist_cli.display.report import STARTS, check_report_destination, report_content, write_report
from mnist_cli.errors import AccuracyError, OutputError, SettingError
from mnist_cli.evaluation.calibration import Bin, Coverage, calibration_error, coverage, reliability
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.evaluation.report import REPORT_SUFFIXES, EvaluationRequest, Report, check_accuracy, judge
from mnist_cli.model.calibration import Calibration, tempered
from mnist_cli.model.engine import open_engine
from mnist_cli.model.file import read_model


def certain(*digits: int) -> np.ndarray:
    return np.eye(10)[list(digits)]


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


# What is judged


def test_a_report_is_of_the_test_images_of_a_model(small_npz: Path):
    engine, dataset = open_engine(read_model(MODEL_PATH)), open_dataset(small_npz)
    report = judge(engine, dataset, engine)

    assert (report.model, report.data, report.is_mnist) == (MODEL_PATH, str(small_npz), False)
    assert report.evaluation.samples == 400
    assert report.evaluation.metrics.accuracy > 0.98
    assert report.coverage is not None and 0.9 < report.coverage.share <= 1
    assert report.comparison is not None and report.comparison.disagreements == ()
    assert report.seconds > 0


def test_what_was_not_asked_for_is_not_there(small_npz: Path):
    report = judge(open_engine(read_model(MODEL_PATH)), open_dataset(small_npz))
    values = EvaluationView(report).as_json()

    assert (report.trials, report.comparison) == (None, None)
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


# How it is shown


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


# Demands and files


def test_an_accuracy_below_what_was_asked_for_has_an_exit_code_of_its_own():
    evaluation = Evaluation(np.array([1, 1, 2], np.uint8), certain(1, 1, 1))

    check_accuracy(evaluation, 2 / 3)
    with pytest.raises(AccuracyError, match="0.6666666667 .1 errors in 3 images. is below 0.67") as error:
        check_accuracy(evaluation, 0.67)
    assert error.value.exit_code == 3


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, 99.0, float("nan"), float("inf")])
def test_an_accuracy_that_is_none_is_refused(accuracy: float):
    with pytest.raises(SettingError, match="--min-accuracy"):
        EvaluationRequest(min_accuracy=accuracy)


@pytest.mark.parametrize("name", ["report", "report.pdf", "report.HTML", ".html", "model.keras"])
def test_a_report_of_another_kind_is_refused(name: str):
    with pytest.raises(SettingError, match="--report.*html or .svg"):
        EvaluationRequest(report_path=Path(name))


class Outside(HTMLParser):
    """Collects what a page would load or run, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes) -> None:
        self.found += [tag] * (tag in ("script", "img", "link", "iframe", "object", "embed"))
        self.found += [name for name, _ in attributes if name in ("src", "href", "srcset") or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_has_everything_inside_and_names_from_outside_are_text(full_report: Report):
    content = report_content(".html", full_report, 2)
    page = Outside()
    page.feed(content)

    assert page.found == []
    assert not re.search(r"https?:|url\(|@import", content)
    assert "models/[red]é.keras" in page.text and "</pre><script>.keras" in page.text
    for word in ("Confusion", "Calibration", "Worst mistakes", "Robustness", "Comparison", "Training", "validation"):
        assert word in page.text
    assert "▀" in page.text


def test_a_picture_is_xml_and_has_everything_inside(full_report: Report):
    content = report_content(".svg", full_report, 2)
    root = ElementTree.fromstring(content)

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert set(re.findall(r"https?://[^\"]*", content)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"url\((?!#)|@import|@font-face", content)
    assert {element.tag.split("}")[1] for element in root.iter()} <= {
        "svg",
        "style",
        "defs",
        "clipPath",
        "rect",
        "g",
        "text",
    }
    assert "</pre><script>.keras" in "".join(root.itertext())


def test_the_surroundings_do_not_change_the_file(full_report: Report, monkeypatch: pytest.MonkeyPatch):
    usual = report_content(".html", full_report, None)
    for name, value in {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "40"}.items():
        monkeypatch.setenv(name, value)

    assert report_content(".html", full_report, None) == usual


def test_a_report_without_a_record_has_no_curves(full_report: Report):
    assert "validation" not in report_content(".html", replace(full_report, record=None), 0)


def test_a_request_takes_the_kinds_of_report_that_there_are():
    assert tuple(STARTS) == REPORT_SUFFIXES


@pytest.mark.parametrize("suffix", REPORT_SUFFIXES)
def test_a_report_replaces_a_report_and_nothing_else(full_report: Report, suffix: str, tmp_path: Path):
    path = tmp_path / "new folder" / f"report{suffix}"
    check_report_destination(path)
    write_report(path, full_report, 0)
    first = path.read_bytes()
    write_report(path, full_report, 1)
    assert path.read_bytes() != first

    path.write_bytes(b"")
    check_report_destination(path)
    path.write_text("<html>a page of mine</html>")
    for refuse in (check_report_destination, lambda path: write_report(path, full_report, 0)):
        with pytest.raises(OutputError, match="never overwrites a file"):
            refuse(path)
    assert path.read_text() == "<html>a page of mine</html>"


def test_a_folder_where_the_report_goes_is_refused(tmp_path: Path):
    (tmp_path / "r.svg").mkdir()
    with pytest.raises(OutputError, match="not a regular file"):
        check_report_destination(tmp_path / "r.svg")
