"""Words that the messages of all rooms share."""


def count(number: int, noun: str) -> str:
    """A number with its noun, in the plural with an s unless the number is 1."""
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
