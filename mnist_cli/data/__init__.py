"""What ships with the package: the MNIST digits and a network trained on them."""

from pathlib import Path

_FOLDER = Path(__file__).parent

MNIST_PATH = _FOLDER / "mnist.npz"
MODEL_PATH = _FOLDER / "cnn.keras"
