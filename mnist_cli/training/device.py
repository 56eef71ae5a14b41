"""The device that trains, and the precision in which it trains fastest."""

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_cli.storage.processors import usable_processors
from mnist_cli.training.backend import gpus, tf
from mnist_cli.wording import count

_CPU_FLAGS = frozenset({"avx512_bf16", "amx_bf16"})
"""The x86 instructions for bfloat16 for which TensorFlow's oneDNN has kernels, as Linux names them."""
_GPU_CAPABILITY = (8, 0)
"""The lowest CUDA compute capability whose tensor cores have bfloat16: that of the A100."""

_WORTHWHILE = 0.8
"""bfloat16 is less precise, so it is chosen only if it takes less than this share of the time of float32."""
_REPETITIONS = 8


@dataclass(frozen=True)
class Device:
    """The GPUs or else the processors of this machine.

    `name` describes them; `native_bfloat16`: all of them have instructions for bfloat16.
    """

    name: str
    native_bfloat16: bool

    def precision(self, wanted: str) -> str:
        """`float32` or `bfloat16`, as wanted; for `auto`, whichever is faster, measured if both are native."""
        if wanted != "auto":
            return wanted
        if not self.native_bfloat16:
            return "float32"
        return "bfloat16" if _seconds(tf.bfloat16) < _WORTHWHILE * _seconds(tf.float32) else "float32"


def _seconds(precision: Any) -> float:
    """The time of the costliest part of a training step: the second convolution and its gradients, for 128 images.

    Measured, as some processors that have instructions for bfloat16 are slower with them.
    """
    images = tf.cast(tf.random.stateless_uniform((128, 13, 13, 32), (0, 0)), precision)
    kernel = tf.cast(tf.random.stateless_uniform((3, 3, 32, 64), (0, 1)), precision)
    durations = []
    for _ in range(_REPETITIONS):  # the first one compiles the kernels
        start = time.perf_counter()
        with tf.GradientTape() as tape:
            tape.watch((images, kernel))
            features = tf.nn.conv2d(images, kernel, 1, "VALID")
        gradients = tape.gradient(features, (images, kernel))
        tf.cast(gradients[0][0, 0, 0, 0] + gradients[1][0, 0, 0, 0], tf.float32).numpy()  # wait for the GPU
        durations.append(time.perf_counter() - start)
    return min(durations)


def find_device() -> Device:
    """All GPUs that TensorFlow sees, or else the CPU."""
    experimental = tf.config.experimental
    details = [experimental.get_device_details(gpu) for gpu in gpus()]
    if details:
        return Device(_gpu_names(details), all(map(_gpu_has_bfloat16, details)))
    return Device(f"CPU, {count(usable_processors(), 'processor')}", _cpu_has_bfloat16(_cpu_info()))


def processor_name() -> str:
    """The maker's name of the processor; its architecture if the name is unknown."""
    name = _field(_cpu_info(), "model name")
    return name or platform.processor() or platform.machine()


def _cpu_info() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return ""


def _field(cpu_info: str, name: str) -> str:
    """The value of the first field with this name in `/proc/cpuinfo`; empty without one."""
    for line in cpu_info.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _cpu_has_bfloat16(cpu_info: str) -> bool:
    return not _CPU_FLAGS.isdisjoint(_field(cpu_info, "flags").split())


def _gpu_has_bfloat16(details: dict[str, Any]) -> bool:
    return bool(details.get("compute_capability", (0, 0)) >= _GPU_CAPABILITY)


def _gpu_names(details: Sequence[dict[str, Any]]) -> str:
    name = details[0].get("device_name", "unknown model")
    return f"{count(len(details), 'GPU')} ({name})"
