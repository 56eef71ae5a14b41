"""mnistcli: a convolutional network that reads handwritten digits, from the command line."""

__version__ = "0.1.0"
