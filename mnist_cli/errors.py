"""The errors that a user can meet: one closed family, each with what failed and what to do about it."""


class MnistCliError(Exception):
    """Something that a user asked for could not be done.

    `message` says in one line what failed, `hint` what to do about it. Both may hold text from outside
    (file names, contents of files) as it came: making it safe to show is the business of the display.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def first_line(reason: Exception) -> str:
    """What an exception of another library says, short enough for a message of ours."""
    return (str(reason).strip() or type(reason).__name__).split("\n")[0][:200]


class SettingError(MnistCliError):
    """An option with a value that makes no sense; `reason` continues the sentence begun by the option's name."""

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


class KeptRunError(OutputError):
    """A file that can't be written ends a training run, which is on disk as far as it came, to go on with."""


class TrainingError(MnistCliError):
    """A training run that can't go on."""


class AccuracyError(MnistCliError):
    """A model that is not as good as was asked for."""

    exit_code = 3
