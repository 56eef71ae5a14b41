"""Exported files, run by the programs that they are for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Images, Probabilities

Answer = Callable[[Images], Probabilities]
"""Gives the probabilities for images, uint8, shape (n, 28, 28): float32 or float64, shape (n, 10)."""

# The number of images that are timed one by one.
_TIMED = 200


@dataclass(frozen=True)
class Runtime:
    """A program that runs exported files.

    `package`, `module`: the names by which it is installed and imported. `open`: makes a function of the content of a
    file. `one_by_one`: whether the function takes only one image at once.
    """

    package: str
    module: str
    open: Callable[[bytes], Answer]
    one_by_one: bool

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None

    @property
    def name(self) -> str:
        """With its version."""
        return f"{self.package} {version(self.package)}"

    def answers(self, content: bytes, images: Images, batch_size: int) -> tuple[Probabilities, float]:
        """The answers of a file to images, and the median time for one image by itself, in milliseconds."""
        answer = self.open(content)
        size = 1 if self.one_by_one else batch_size
        parts = [answer(images[start : start + size]) for start in range(0, len(images), size)]
        return np.concatenate(parts), milliseconds(answer, images)


def milliseconds(answer: Answer, images: Images) -> float:
    """The median time for one image by itself."""
    durations = []
    for index in range(min(_TIMED, len(images))):
        start = time.perf_counter()
        answer(images[index : index + 1])
        durations.append(time.perf_counter() - start)
    return float(np.median(durations)) * 1000


def _open_onnx(content: bytes) -> Answer:
    import onnxruntime

    session = onnxruntime.InferenceSession(content)
    takes_bytes = session.get_inputs()[0].type == "tensor(uint8)"

    def answer(images: Images) -> Probabilities:
        pixels = images[..., np.newaxis]
        image = pixels if takes_bytes else pixels / np.float32(255)
        probabilities: Probabilities = session.run(["probabilities"], {"image": image})[0]
        return probabilities

    return answer


def _open_litert(content: bytes) -> Answer:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (image,), (probabilities,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(images: Images) -> Probabilities:
        pixels = images[..., np.newaxis] / np.float32(255)
        interpreter.set_tensor(image["index"], _stored(pixels, image))
        interpreter.invoke()
        return _real(interpreter.get_tensor(probabilities["index"]), probabilities)

    return answer


def _stored(values: NDArray[np.floating[Any]], tensor: dict[str, Any]) -> NDArray[Any]:
    """Real numbers as a tensor stores them: value = scale * (number - zero point) for whole numbers."""
    scale, zero_point = tensor["quantization"]
    kind = np.dtype(tensor["dtype"])
    if kind.kind == "f":
        return values
    numbers = np.rint(values / (scale or 1 / 255)) + zero_point
    stored: NDArray[Any] = np.clip(numbers, np.iinfo(kind).min, np.iinfo(kind).max).astype(kind)
    return stored


def _real(numbers: NDArray[Any], tensor: dict[str, Any]) -> Probabilities:
    """The real numbers that a tensor stores."""
    scale, zero_point = tensor["quantization"]
    values: Probabilities = (numbers.astype(np.float64) - zero_point) * (scale or 1.0)
    return values


RUNTIMES = {
    ".onnx": Runtime("onnxruntime", "onnxruntime", _open_onnx, one_by_one=False),
    ".tflite": Runtime("ai-edge-litert", "ai_edge_litert", _open_litert, one_by_one=True),
}
"""The program for a file, by its suffix."""
