"""A search is data: no branch of the code asks for the name of a search, of its analysis, or of a mode of the beam."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from emiss.configs.loader import shipped
from emiss.programme.periods import load_periods

ROOT = Path(__file__).parents[3]
PACKAGES = ("emiss", "calib", "configs", "events", "physics", "reco", "samples", "selection")
KNOWN = {
    *((package, "muon") for package in ("physics", "samples")),
    *((package, "invisible") for package in ("physics", "samples")),
    *((package, "hadron") for package in ("physics", "emiss")),
}
"""Words that are names of searches, too: a lepton, a channel of decays, and the key under which a decay names its hadron."""


def names():
    found = {*shipped("searches"), *shipped("analyses"), *load_periods().modes, *load_periods().periods}
    return {Path(name).stem for name in found} - {"beam_electron"}


def asked(tree):
    """Yield texts that something is compared with, or that choose a case."""
    for node in ast.walk(tree):
        parts = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            parts = node.args if node.func.attr in {"startswith", "endswith", "get"} else []
        for part in parts:
            for one in ast.walk(part):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield node.lineno, one.value


@pytest.mark.parametrize("package", PACKAGES)
def test_no_branch_asks_for_the_name_of_a_search_or_mode(package):
    wanted = names()
    found = []
    for path in sorted((ROOT / package).rglob("*.py")):
        if path.is_symlink() or any(parent.is_symlink() for parent in path.parents if parent != ROOT):
            continue
        for line, text in asked(ast.parse(path.read_text(encoding="utf-8"))):
            if text in wanted and (package, text) not in KNOWN:
                found.append(f"{path.relative_to(ROOT)}:{line}: '{text}'")
    assert not found


def test_the_test_sees_what_it_looks_for():
    assert {"invisible", "alp", "na64mu", "e_to_mu_phi", "visible-2018", "conversion"} <= names()
    code = "if search == 'alp':\n    pass\nif x in ('muon', 'b'): pass\nmatch y:\n    case 'visible': pass\nz.get('hadron')\n"
    assert {text for _, text in asked(ast.parse(code))} == {"alp", "muon", "b", "visible", "hadron"}
