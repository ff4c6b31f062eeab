"""The run lists that ship name set-ups, analyses and samples that are there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from emiss.configs import loader
from emiss.samples.config import load_sample

LISTS = {path.stem: path for path in (loader.SHIPPED / "runs").glob("*.yaml")}


@pytest.mark.parametrize("name", [name for name in loader.shipped("searches") if name in LISTS])
def test_the_files_of_a_search_are_its_samples_in_its_set_up(name):
    text = LISTS[name].read_text(encoding="utf-8")
    listed = yaml.safe_load(text)
    search = yaml.safe_load((loader.SHIPPED / "searches" / f"{name}.yaml").read_text(encoding="utf-8"))
    assert (listed["detector"], listed["analysis"]) == (search["setup"], search["analysis"])
    assert (LISTS[name].parent / listed["calib"]).resolve().is_dir()
    assert set(search["run"]["backgrounds"]) < set(listed["samples"])
    assert f"for sample in {' '.join(listed['samples'])}; do" in text
    for sample, one in listed["samples"].items():
        assert load_sample(sample).with_detector(listed["detector"]).role == one["role"]
        assert Path(one["files"][0]).name == f"{sample}.root"


def test_every_search_with_cuts_of_its_own_has_a_list():
    own = {
        yaml.safe_load((loader.SHIPPED / "searches" / f"{name}.yaml").read_text(encoding="utf-8"))["analysis"]
        for name in loader.shipped("searches")
    }
    with_list = {yaml.safe_load(path.read_text(encoding="utf-8"))["analysis"] for path in LISTS.values()}
    assert own <= with_list
