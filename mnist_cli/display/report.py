"""The report file of an evaluation: HTML or SVG without any other files."""

import io
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from mnist_cli.display.charts import Curves
from mnist_cli.display.evaluation import EvaluationView
from mnist_cli.display.layout import section
from mnist_cli.evaluation.report import Report
from mnist_cli.storage.files import check_destination, check_replaceable, write_files

STARTS = {
    ".html": '<!DOCTYPE html>\n<html lang="en" class="mnistcli-evaluation">',
    ".svg": '<svg xmlns="http://www.w3.org/2000/svg" class="mnistcli-evaluation"',
}
"""How a report file starts, by its suffix. By this start, mnistcli recognises its own reports."""

_HINT = "Choose another --report."
_WIDTH = 120
_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"

# These are f-strings: Rich fills in what then stands in single braces.
_HTML = f"""{STARTS[".html"]}
<head>
<meta charset="utf-8">
<title>mnistcli evaluate</title>
<style>
body {{{{ color: {{foreground}}; background: {{background}}; margin: 2em; }}}}
pre {{{{ font: 14px/1.17 {_FONTS}; }}}}
{{stylesheet}}
</style>
</head>
<body>
<pre>{{code}}</pre>
</body>
</html>
"""
_SVG = f"""{STARTS[".svg"]} viewBox="0 0 {{width}} {{height}}">
<style>
.{{unique_id}}-matrix {{{{ font-family: {_FONTS}; font-size: {{char_height}}px; }}}}
{{styles}}
</style>
<defs>
<clipPath id="{{unique_id}}-clip-terminal"><rect width="{{terminal_width}}" height="{{terminal_height}}"/></clipPath>
{{lines}}
</defs>
<rect width="100%" height="100%" fill="{SVG_EXPORT_THEME.background_color.hex}"/>
<g transform="translate({{terminal_x}}, {{terminal_y}})" clip-path="url(#{{unique_id}}-clip-terminal)">
{{backgrounds}}
<g class="{{unique_id}}-matrix">
{{matrix}}
</g>
</g>
</svg>
"""


def check_report_destination(path: Path) -> None:
    """Check, before any work is done, that a report can be written at `path`. Raises `OutputError`."""
    check_destination(path, _is_report, _HINT)


def _is_report(path: Path) -> bool:
    start = STARTS[path.suffix].encode()
    with path.open("rb") as file:
        return file.read(len(start)) == start


def write_report(path: Path, report: Report, mistakes: int | None) -> None:
    """Write a report file with pictures of the worst `mistakes`. Raises `OutputError`."""
    check_replaceable(path, _is_report, _HINT)
    write_files({path: report_content(path.suffix, report, mistakes).encode()})


def report_content(suffix: str, report: Report, mistakes: int | None) -> str:
    """The content of a report file with the suffix `.html` or `.svg`: the report, and the model's learning curves."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=_WIDTH,
        height=100,
        force_terminal=True,
        color_system="truecolor",
        no_color=False,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for part in EvaluationView(report, mistakes).parts():
        console.print(part)
    if report.record and len(report.record.history) > 1:
        console.print("", section("Training", report.record.command, Curves(report.record.history)))
    if suffix == ".html":
        return console.export_html(theme=SVG_EXPORT_THEME, code_format=_HTML)
    return console.export_svg(theme=SVG_EXPORT_THEME, code_format=_SVG, unique_id="report")
