"""Export from a request to a checked file."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from mnist_cli.arrays import Images
from mnist_cli.datasets.dataset import Dataset
from mnist_cli.datasets.digits import Digits
from mnist_cli.errors import ExportError, MnistCliError, SettingError, first_line
from mnist_cli.evaluation.metrics import Evaluation
from mnist_cli.exporting.check import Check, require_agreement
from mnist_cli.exporting.running import RUNTIMES, Runtime, milliseconds
from mnist_cli.model.engine import Engine
from mnist_cli.model.file import ModelFile
from mnist_cli.storage import workers
from mnist_cli.storage.files import check_destination, check_replaceable, read_file, write_files
from mnist_cli.storage.workers import Limits, WorkError

INPUTS = ("float32", "uint8")
QUANTIZATIONS = ("float16", "int8")
SUFFIXES = tuple(RUNTIMES)

_HINT = "Choose another FILE."
_SIZE_LIMIT = 2**30
# Of the validation images, to find the ranges of numbers with int8.
_EXAMPLES = 500
# A converter or a runtime that takes more would not end.
_LIMITS = Limits(seconds=3600, memory=2**33)

Result = TypeVar("Result")


@dataclass(frozen=True)
class ExportRequest:
    """What `export` is asked for. Raises `SettingError`."""

    model_path: Path
    path: Path
    """Its suffix decides the format."""
    input: str = "float32"
    """The type of the pixels that the exported file takes, one of `INPUTS`."""
    quantize: str | None = None
    """The type of the numbers in a `.tflite` file, one of `QUANTIZATIONS`; None: float32."""
    data_path: Path | None = None
    """The data set to check with; None: MNIST."""
    is_checked: bool = True

    def __post_init__(self) -> None:
        if self.suffix not in SUFFIXES:
            raise SettingError("FILE", f"{self.path} is no name with the suffix {' or '.join(SUFFIXES)}")
        if self.input not in INPUTS:
            raise SettingError("--input", f"must be one of {', '.join(INPUTS)}")
        if self.quantize not in (None, *QUANTIZATIONS):
            raise SettingError("--quantize", f"must be one of {', '.join(QUANTIZATIONS)}")
        if self.quantize and self.suffix != ".tflite":
            raise SettingError("--quantize", "is for .tflite files only")

    @property
    def suffix(self) -> str:
        return self.path.suffix

    @property
    def runtime(self) -> Runtime:
        """The program that checks the file."""
        return RUNTIMES[self.suffix]

    @property
    def takes_bytes(self) -> bool:
        return self.input == "uint8"

    @property
    def input_type(self) -> str:
        """The type of the pixels that the file takes: with int8, floats become int8 too."""
        return "int8" if self.quantize == "int8" and not self.takes_bytes else self.input


@dataclass(frozen=True)
class Export:
    """An exported file, its size in bytes, and the check of its answers, if there was one.

    `input_type`, `output_type`: the types of pixels and probabilities. `one_by_one`: whether it takes one image at
    once, and not any number.
    """

    path: Path
    size: int
    input_type: str
    output_type: str
    one_by_one: bool
    check: Check | None


def check_export(request: ExportRequest) -> None:
    """Check, before any work is done, that a file can be exported. Raises `OutputError` and `ExportError`."""
    if request.suffix == ".onnx" and find_spec("onnx") is None:
        raise ExportError(f"{request.path}: the package onnx is needed to write it", "Install it: `pip install onnx`.")
    check_destination(request.path, _is_export, _HINT)


def _is_export(path: Path) -> bool:
    """Whether a file is one that mnistcli has exported, by its suffix."""
    content = read_file(path, _SIZE_LIMIT, ExportError)
    if path.suffix == ".onnx":
        # The producer follows the version of the format, a number below 128.
        return content[:1] == b"\x08" and content[2:].startswith(b"\x12\x08mnistcli")
    return content[4:8] == b"TFL3" and b"mnistcli export" in content


def missing_runtime(request: ExportRequest) -> str:
    """Why the file will not be checked, if that was requested; empty if it will be."""
    package = request.runtime.package
    if not request.is_checked or request.runtime.is_installed:
        return ""
    return f"not checked, because {package} is not installed: `pip install {package}`"


def export(request: ExportRequest, engine: Engine, dataset: Dataset) -> Export:
    """Write a model in another format, after a check on the test images.

    There is no check if it was not requested or if the program that runs such files is not installed. Raises
    `ExportError`, `OutputError` and `DataError`.
    """
    content = _content(request, engine, dataset)
    check = None
    if request.is_checked and request.runtime.is_installed:
        check = _check(request, content, engine, dataset.test)
        require_agreement(check, quantized=request.quantize is not None)
    check_replaceable(request.path, _is_export, _HINT)
    write_files({request.path: content})
    return Export(
        request.path,
        len(content),
        input_type=request.input_type,
        output_type=request.input_type if request.quantize == "int8" else "float32",
        one_by_one=request.runtime.one_by_one,
        check=check,
    )


def _check(request: ExportRequest, content: bytes, engine: Engine, digits: Digits) -> Check:
    """Run a file and the engine on some digits. Raises `ExportError`."""
    runtime = request.runtime
    work = partial(runtime.answers, content, digits.images, engine.batch_size)
    probabilities, duration = in_child(work, f"{request.path}: {runtime.package} can't run it")
    return Check(
        runtime.name,
        Evaluation(digits.labels, probabilities),
        Evaluation(digits.labels, engine.probabilities(digits.images)),
        milliseconds=duration,
        engine_milliseconds=milliseconds(engine.probabilities, digits.images),
    )


def _content(request: ExportRequest, engine: Engine, dataset: Dataset) -> bytes:
    if request.suffix == ".onnx":
        from mnist_cli.exporting.onnx_model import onnx_content

        return onnx_content(engine, request.takes_bytes, metadata(engine.model))
    examples = _examples(engine.model, dataset) if request.quantize == "int8" else None
    work = partial(_litert_content, request, engine, examples)
    return in_child(work, f"{engine.model.path}: TensorFlow can't convert it")


def _litert_content(request: ExportRequest, engine: Engine, examples: Images | None) -> bytes:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # the converter needs no GPU, which takes seconds to start
    from mnist_cli.exporting.litert_model import litert_content  # loads TensorFlow

    return litert_content(engine, request.takes_bytes, request.quantize, examples)


def in_child(work: Callable[[], Result], failure: str) -> Result:
    """The result of some work in a child process, as native code may crash, and writes much to stderr.

    Raises what the work raises, if that is for users, or `ExportError` with `failure` and the reason.
    """
    try:
        return workers.in_child(lambda _: work(), None, _LIMITS)
    except MnistCliError:
        raise
    except WorkError as reason:
        raise ExportError(f"{failure}: it {reason}") from reason
    except Exception as reason:
        raise ExportError(f"{failure}: {first_line(reason).removesuffix('.')}") from reason


def _examples(model: ModelFile, dataset: Dataset) -> Images:
    """Some of the images that the model was validated on, spread evenly; of the last tenth if it has no record."""
    images = dataset.train.images
    count = (model.record.data.validation if model.record else 0) or len(images) // 10
    validation = images[-count:]
    return validation[:: max(1, len(validation) // _EXAMPLES)]


def metadata(model: ModelFile) -> dict[str, str]:
    """The figures in the record of a model, and the checksum of its file, by name. No paths: exports get published."""
    values: dict[str, float] = {}
    if model.record:
        values |= {"test_accuracy": model.record.test.accuracy, "test_loss": model.record.test.loss}
    if model.record and model.record.calibration:
        values |= vars(model.record.calibration)
    return {"model_sha256": model.sha256, **{name: str(value) for name, value in values.items()}}
