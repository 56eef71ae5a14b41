"""The file that a report is kept in."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mnist_cli.display.report import STARTS, check_report_destination, report_content, write_report
from mnist_cli.errors import OutputError
from mnist_cli.evaluation.report import REPORT_SUFFIXES, Report


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
