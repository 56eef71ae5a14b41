"""Write hostile and broken files of all kinds into folders: `python tests/corpus/write_hostile.py FOLDER`."""

import sys
from pathlib import Path

from hostile_data import RECORDS, write_data
from hostile_models import write_models
from hostile_pictures import READ, REFUSED, bombs


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folders = [Path(sys.argv[1], name) for name in ("models", "pictures", "data", "records")]
    for folder in folders:
        folder.mkdir(parents=True)
    models, pictures, data, records = folders
    write_models(models)
    write_data(data)
    for name, content in (REFUSED | READ | bombs()).items():
        (pictures / name).write_bytes(content)
    for name, content in RECORDS.items():
        (records / f"{name}.json").write_bytes(content)


if __name__ == "__main__":
    main()
