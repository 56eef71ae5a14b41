"""What is found out about processors and GPUs, from what systems tell of themselves."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mnist_cli.training import backend, device
from mnist_cli.training.device import Device, find_device

ZEN_4 = "processor\t: 0\nmodel name\t: AMD EPYC 9R14\nflags\t\t: fpu avx512f avx512_bf16 avx512_vnni\n"
SKYLAKE = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Platinum 8175M\nflags\t\t: fpu avx512f avx512bw\n"
GRAVITON = "processor\t: 0\nFeatures\t: fp asimd bf16 sve\n"


@pytest.mark.parametrize(
    ("cpu_info", "name", "native"),
    [(ZEN_4, "AMD EPYC 9R14", True), (SKYLAKE, "Intel(R) Xeon(R) Platinum 8175M", False), (GRAVITON, "aarch64", False)],
)
def test_a_processor_says_what_it_can(cpu_info: str, name: str, native: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device, "_cpu_info", lambda: cpu_info)
    monkeypatch.setattr(device, "usable_processors", lambda: 4)
    monkeypatch.setattr(device.platform, "processor", lambda: "aarch64")

    assert find_device() == Device("CPU, 4 processors", native)
    assert device.processor_name() == name


def test_a_system_that_tells_nothing_has_no_bfloat16(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "read_text", lambda path: (_ for _ in ()).throw(FileNotFoundError()))

    assert not find_device().native_bfloat16
    assert device.processor_name()


class Cards:
    """TensorFlow on a machine with GPUs of these compute capabilities."""

    def __init__(self, capabilities: Sequence[tuple[int, int]]) -> None:
        self.config = self.experimental = self
        self._capabilities = capabilities

    def list_physical_devices(self, kind: str) -> list[int]:
        return list(range(len(self._capabilities)))

    def get_device_details(self, card: int) -> dict:
        return {"device_name": "Card", "compute_capability": self._capabilities[card]}


@pytest.mark.parametrize(
    ("capabilities", "found"),
    [
        ([(8, 0)], Device("1 GPU (Card)", True)),
        ([(7, 5)], Device("1 GPU (Card)", False)),
        ([(9, 0), (9, 0)], Device("2 GPUs (Card)", True)),
        ([(9, 0), (7, 0)], Device("2 GPUs (Card)", False)),
    ],
)
def test_gpus_go_before_the_processor(
    capabilities: list[tuple[int, int]], found: Device, monkeypatch: pytest.MonkeyPatch
):
    cards = Cards(capabilities)
    monkeypatch.setattr(device, "tf", cards)
    monkeypatch.setattr(backend, "tf", cards)

    assert find_device() == found


@pytest.mark.parametrize(("native", "bfloat16_seconds"), [(True, 0.5), (True, 0.9), (False, 0.5)])
def test_auto_takes_bfloat16_where_it_is_clearly_faster(
    native: bool, bfloat16_seconds: float, monkeypatch: pytest.MonkeyPatch
):
    seconds = {"float32": 1.0, "bfloat16": bfloat16_seconds}
    monkeypatch.setattr(device, "_seconds", lambda precision: seconds[precision.name])
    found = Device("CPU", native)

    assert found.precision("auto") == ("bfloat16" if native and bfloat16_seconds < 0.8 else "float32")
    assert found.precision("float32") == "float32"
    assert found.precision("bfloat16") == "bfloat16"


def test_a_precision_is_measured_in_little_time():
    start = time.perf_counter()
    assert all(device._seconds(precision) > 0 for precision in (backend.tf.float32, backend.tf.bfloat16))
    assert time.perf_counter() - start < 5  # on an idle machine with bfloat16, 0.2
