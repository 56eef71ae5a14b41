"""The report of an evaluation as a file to look at and to share, with everything it needs inside."""

import io

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

from mnist_cli.display.charts import Curves
from mnist_cli.display.evaluation import EvaluationView
from mnist_cli.display.layout import section
from mnist_cli.evaluation.report import STARTS, Report

_WIDTH = 120
_FONTS = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"

# Fields in single braces are filled in by Rich.
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


def report_content(suffix: str, report: Report, mistakes: int | None) -> str:
    """The report as the text of a file with the suffix `.html` or `.svg`, the learning curves of the model in it."""
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
