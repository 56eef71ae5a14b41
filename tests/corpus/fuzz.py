"""Look for files that mnistcli can't cope with, led by what of its code they reach: `tests/corpus/fuzz.py picture`.

Needs `pip install atheris`. What is found ends the search, and is left in a file `crash-...`, `timeout-...` or
`oom-...`; `python tests/corpus/fuzz.py picture FILE` tries that again. Files worth going on from stay in the corpus.
"""

import argparse
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mnist_cli", "zipfile", "json", "gzip", "csv", "PIL"]):
    from strangers import KINDS

    import mnist_cli.model.weights  # noqa: F401  or else it would be imported later


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=KINDS, help="the kind of file")
    parser.add_argument("files", nargs="*", help="files to try instead of new ones")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument(
        "--corpus", type=Path, default=Path("build/corpus"), help="where there is a folder for each kind"
    )
    arguments = parser.parse_args()
    kind, corpus = KINDS[arguments.kind], arguments.corpus / arguments.kind
    corpus.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(kind.examples):
        (corpus / f"example-{number}").write_bytes(example)
    limits = ["-timeout=10", "-rss_limit_mb=6000", "-max_len=600000", f"-max_total_time={60 * arguments.minutes}"]
    atheris.Setup([sys.argv[0], *limits, *(arguments.files or [str(corpus)])], kind.is_used)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
