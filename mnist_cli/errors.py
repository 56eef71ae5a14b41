"""The errors that users see. All are `MnistCliError`s: a message and, where there is a remedy, a hint."""


class MnistCliError(Exception):
    """Something that a user asked for could not be done.

    `message` says in one line what failed, without a final period; `hint` is a sentence on what to do about it, or
    empty. Both may contain text from outside (file names, contents of files); the display makes it safe to print.
    `exit_code` is that of the command which it ends.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def first_line(reason: Exception) -> str:
    """The first line of another library's message, or the exception's name; at most 200 characters."""
    return (str(reason).strip() or type(reason).__name__).split("\n")[0][:200]


class SettingError(MnistCliError):
    """An option has an invalid value. The message is the option's name followed by `reason`."""

    exit_code = 2

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(f"{option} {reason}")


class DataError(MnistCliError):
    """A data set that can't be used."""


class ModelError(MnistCliError):
    """A model file that can't be used."""


class PictureError(MnistCliError):
    """A picture that can't be read."""


class OutputError(MnistCliError):
    """A file that can't be written."""


class ExportError(MnistCliError):
    """A model that can't be exported."""


class TrainingError(MnistCliError):
    """A training run that can't go on."""


class AccuracyError(MnistCliError):
    """A model whose accuracy is below the required minimum."""

    exit_code = 3
