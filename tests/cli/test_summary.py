"""The command that lays a model open, and which model that is."""

import json
from pathlib import Path

from processes import Run


def test_the_json_has_its_documented_keys(run: Run):
    values = json.loads(run("summary", "--json").stdout)

    assert values["parameters"] == 34_826
    assert values["parameter_bytes"] == 4 * 34_826
    first = {"name": "conv2d", "type": "Conv2D", "output_shape": [26, 26, 32], "parameters": 320}
    assert values["layers"][0] | first == values["layers"][0]
    assert values["record"]["command"] == "mnistcli train --recipe best"
    temperature, threshold = (values["record"]["calibration"][name] for name in ("temperature", "threshold"))
    assert f"temperature {temperature:.4g}, threshold {threshold:.4g}" in run("summary").stdout


def test_the_users_own_model_comes_first(run: Run, small_model: Path):
    done = run("summary", cwd=small_model.parents[1])

    assert "Model models/cnn.keras" in done.stdout
    assert done.stderr == ""


def test_the_model_on_board_is_used_and_that_is_said(run: Run, tmp_path: Path):
    assert "comes with mnistcli" in run("summary", cwd=tmp_path).stderr
    assert run("summary", "--quiet", cwd=tmp_path).stderr == ""
