"""The entry point: of the command `mnistcli`, and of `python -m mnist_cli`."""

import signal


def main() -> None:
    """Run the command line."""
    # While Python still imports it there is nobody to catch an interrupt: let it end the process, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mnist_cli import cli

    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli.main()


if __name__ == "__main__":
    main()
