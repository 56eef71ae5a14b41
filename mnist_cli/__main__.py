"""Lets `python -m mnist_cli` do what `mnistcli` does."""

from mnist_cli.cli import main

main()
