"""Addresses as they are shown: no login and no value of a query is in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.events.remote.address import parts, shown, shown_in
from emiss.events.remote.path import RemotePath

SECRET = st.text("abcdefXYZ0123456789-_.~%+", min_size=12, max_size=30).map(lambda text: f"qqq{text}")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://host/run.dat", "https://host/run.dat"),
        ("https://me:word@host:8443/a/run.dat?X-Sig=1234&file=x", "https://host:8443/a/run.dat?X-Sig=...&file=..."),
        ("https://host/run.dat?token", "https://host/run.dat?..."),
        ("https://host/run.dat#place", "https://host/run.dat"),
        ("root://me@host:1094//data/run.dat?authz=abc", "root://host:1094//data/run.dat?authz=..."),
        ("s3://bucket/run_?.dat", "s3://bucket/run_?.dat"),
        ("out/demo?x=1", "out/demo?x=1"),
    ],
)
def test_what_is_shown(address, said):
    assert shown(address) == said
    assert shown(said.replace("=...", "=x")) == said


@given(SECRET, SECRET, st.sampled_from(["http", "https", "root", "xroot"]))
def test_no_secret_is_shown(word, key, scheme):
    address = f"{scheme}://me:{word}@host//data/run.dat?authz={key}&other={key}"
    path = RemotePath(address)
    texts = (
        shown(address),
        str(path),
        repr(path),
        str(path.parent / "x"),
        shown_in(f"emiss process '{address}' --out {address}"),
    )
    assert not any(secret in text for secret in (word, key) for text in texts)
    assert "".join(parts(path.address)) == address
    assert (path.parent / "x").address.endswith(f"?authz={key}&other={key}")


def test_paths_are_as_those_of_this_machine():
    path = RemotePath("s3://bucket/a/b/run.dat.gz")
    assert (path.name, path.stem, path.suffix) == ("run.dat.gz", "run.dat", ".gz")
    assert [str(folder) for folder in path.parents] == ["s3://bucket/a/b", "s3://bucket/a", "s3://bucket/"]
    assert path.relative_to(path.parents[1]).as_posix() == "b/run.dat.gz"
    assert str(path.with_suffix(".root")) == "s3://bucket/a/b/run.dat.root"
    with pytest.raises(ValueError, match="is not in"):
        path.relative_to(RemotePath("s3://bucket/a/b/run"))
    with pytest.raises(ValueError, match="read as bytes"):
        path.open("w")
