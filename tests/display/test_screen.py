"""The screen: results in every format, and where a display can be live."""

import json
import sys

import pytest

from mnist_cli.display.screen import Screen, View, tracked


class Greeting(View):
    def as_text(self, screen: Screen) -> None:
        screen.result("hello [red]you[/red]")

    def as_json(self) -> dict[str, str]:
        return {"greeting": "hello \x1b"}

    def as_csv(self) -> tuple[str, ...]:
        return ("hello", "a, b", "line\nbreak")


@pytest.mark.parametrize(
    ("format", "printed"),
    [
        ("text", "hello [red]you[/red]\n"),
        ("json", json.dumps({"greeting": "hello \x1b"}) + "\n"),
        ("csv", 'word,list\nhello,"a, b",line\\nbreak\n'),
    ],
)
def test_a_result_is_printed_in_the_format_of_the_screen(format, printed: str, capsys: pytest.CaptureFixture[str]):
    screen = Screen(format=format)
    screen.header(["word", "list"])
    screen.show(Greeting())

    assert capsys.readouterr() == (printed, "")


@pytest.mark.parametrize("variable", ["JPY_PARENT_PID", "TERM"])
def test_nothing_is_live_where_the_cursor_can_not_move(variable: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    assert Screen().live

    monkeypatch.setenv(variable, "dumb")
    assert not Screen().live


def test_what_is_tracked_passes(capsys: pytest.CaptureFixture[str]):
    assert list(tracked(Screen(), iter(range(100)), 100, "Numbers")) == list(range(100))
    assert capsys.readouterr() == ("", "")
