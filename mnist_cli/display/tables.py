"""Tables, all in one style."""

from rich import box
from rich.table import Table


def table(*columns: str) -> Table:
    """An empty table; a column whose name starts with "<" is set to the left, the others to the right."""
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        left = column.startswith("<")
        result.add_column(column.removeprefix("<"), justify="left" if left else "right", overflow="fold")
    return result
