"""What is refused before a release: the changelog and the version; `make release` does the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.release import release, section

ROOT = Path(__file__).parents[1]
LOG = """# Changelog

## [Unreleased]

## [0.2.0] - 2027-01-02

### Added

- a thing

## [0.1.0] - 2026-11-30

"""


def test_the_section_of_a_version():
    assert section(LOG, "0.2.0") == "## [0.2.0] - 2027-01-02\n\n### Added\n\n- a thing"


@pytest.mark.parametrize(("version", "said"), [("0.1.0", "says nothing"), ("0.2", "no line"), ("0x2.0", "no line")])
def test_a_version_without_a_section(version, said):
    with pytest.raises(ValueError, match=said):
        section(LOG, version)


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3.dev4"])
def test_what_is_no_version_is_refused_first(version):
    with pytest.raises(ValueError, match="make release VERSION"):
        release(version, check=False)


def test_the_changelog_keeps_its_form():
    """Sections in order, each with the kinds of "Keep a Changelog"."""
    lines = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Changelog"
    titles = [line for line in lines if line.startswith("## ")]
    assert titles[0] == "## [Unreleased]"
    kinds = {line for line in lines if line.startswith("### ")}
    assert kinds <= {f"### {kind}" for kind in ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")}
