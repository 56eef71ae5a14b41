"""The entry point: of the command `mnistcli`, and of `python -m mnist_cli`."""

import gc
import signal


def main() -> None:
    """Run the command line."""
    # While Python still imports it there is nobody to catch an interrupt: let it end the process, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.set_threshold(50_000)  # what is imported stays: looking through it for garbage every 700 objects takes time
    from mnist_cli import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()


if __name__ == "__main__":
    main()
