"""Write hostile and broken files of all kinds into folders: `python tests/corpus/write_hostile.py FOLDER`."""

import sys
from pathlib import Path

import hostile_data
from hostile_models import MODELS
from hostile_pictures import BOMBS, READ, REFUSED


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folders = [Path(sys.argv[1], name) for name in ("models", "pictures", "data", "records")]
    for folder in folders:
        folder.mkdir(parents=True)
    models, pictures, data, records = folders
    write_all(models, {f"{name}.keras": content for name, content in MODELS.items()})
    write_all(pictures, REFUSED | READ | {name: make() for name, make in BOMBS.items()})
    write_all(records, {f"{name}.json": content for name, content in hostile_data.RECORDS.items()})
    hostile_data.write_data(data, hostile_data.DATA | {name: make() for name, make in hostile_data.BOMBS.items()})


def write_all(folder: Path, contents: dict[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
