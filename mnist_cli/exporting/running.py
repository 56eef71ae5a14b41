"""Exported files, run by the programs that they are for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_cli.arrays import Images, Probabilities

Answer = Callable[[Images], Probabilities]
"""Gives the probabilities for images, uint8, shape (n, 28, 28): float32 or float64, shape (n, 10)."""

_BATCH = 100
# The number of images that are timed one by one.
_TIMED = 200


@dataclass(frozen=True, eq=False)
class Answers:
    """The probabilities for some images, and the median time for one image by itself, in milliseconds."""

    probabilities: Probabilities
    milliseconds: float


def answers_of(answer: Answer, images: Images, batch: int = _BATCH) -> Answers:
    """The answers to images, which are computed in batches."""
    parts = [answer(images[start : start + batch]) for start in range(0, len(images), batch)]
    return Answers(np.concatenate(parts), milliseconds(answer, images))


def milliseconds(answer: Answer, images: Images) -> float:
    """The median time for one image by itself."""
    durations = []
    for index in range(min(_TIMED, len(images))):
        start = time.perf_counter()
        answer(images[index : index + 1])
        durations.append(time.perf_counter() - start)
    return float(np.median(durations)) * 1000


def run_onnx(content: bytes, images: Images) -> Answers:
    """The answers of an `.onnx` file to images, by onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content)
    takes_bytes = session.get_inputs()[0].type == "tensor(uint8)"

    def answer(part: Images) -> Probabilities:
        pixels = part[..., np.newaxis]
        image = pixels if takes_bytes else pixels / np.float32(255)
        probabilities: Probabilities = session.run(["probabilities"], {"image": image})[0]
        return probabilities

    return answers_of(answer, images)


def run_litert(content: bytes, images: Images) -> Answers:
    """The answers of a `.tflite` file to images, by LiteRT, one by one."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (image,), (probabilities,) = interpreter.get_input_details(), interpreter.get_output_details()

    def answer(part: Images) -> Probabilities:
        pixels = part[..., np.newaxis] / np.float32(255)
        interpreter.set_tensor(image["index"], _stored(pixels, image))
        interpreter.invoke()
        return _real(interpreter.get_tensor(probabilities["index"]), probabilities)

    return answers_of(answer, images, batch=1)


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
