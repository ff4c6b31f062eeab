"""Reconstruction, events and selection know parts by what a set-up's file says: no module names one of a certain experiment."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = re.compile(r"(?<![a-z])(v?hcal|ecal|wcal|veto|srd|zdc|mbplu?|preshower_share)(?![a-z])", re.IGNORECASE)


def named(path: Path) -> list[str]:
    """Return the names and texts of a module, its docstrings apart, that name a part."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    told |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    words = []
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in told:
                words.append(text)
            case ast.Name(id=text) | ast.Attribute(attr=text) | ast.arg(arg=text) | ast.keyword(arg=str(text)):
                words.append(text)
            case ast.FunctionDef(name=text) | ast.ClassDef(name=text):
                words.append(text)
    return [word for word in words if PARTS.search(word)]


@pytest.mark.parametrize("room", ["reco", "events", "selection"])
def test_no_module_names_a_part(room):
    found = {str(path.relative_to(ROOT)): words for path in (ROOT / room).rglob("*.py") if (words := named(path))}
    assert not found


def test_it_would_be_found(tmp_path):
    path = tmp_path / "x.py"
    path.write_text(
        '"""hcal."""\n\ndef f(part):\n    """Of the ECAL."""\n    return part.hcal_zero, "veto.energy", "vetoed"\n'
    )
    assert named(path) == ["hcal_zero", "veto.energy"]
