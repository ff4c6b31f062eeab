"""Pairs, masses and distances of momenta, against `vector` and awkward's combinations; functions that a file declares."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest
import vector

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.columns import Column
from emiss.events.language.meaning.scope import Scope
from emiss.events.language.running import operations
from emiss.events.language.running.evaluate import Plan
from emiss.events.language.running.program import Program
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata
from emiss.selection import bind
from emiss.selection.analysis.read import from_document
from emiss.selection.results.result import columns_of

vector.register_awkward()

POLAR = {"pt": "GeV", "eta": "1", "phi": "1", "mass": "GeV", "charge": "1"}
CARTESIAN = {"px": "GeV", "py": "GeV", "pz": "GeV", "energy": "GeV"}


def _made(seed: int, events: int = 200, most: int = 5) -> tuple[EventTable, ak.Array, ak.Array]:
    """Return a table of muons (polar) and jets (cartesian), and the same as vectors."""
    rng = np.random.default_rng(seed)
    muons, jets = rng.integers(0, most, events), rng.integers(0, most, events)
    n, k = int(muons.sum()), int(jets.sum())
    polar = {
        "pt": rng.exponential(20, n) + 0.1,
        "eta": rng.normal(0, 2, n),
        "phi": rng.uniform(-np.pi, np.pi, n),
        "mass": rng.choice([0.105, 0.0, -0.01], n),
        "charge": rng.choice([-1.0, 1.0], n),
    }
    x, y, z, m = rng.normal(0, 20, (4, k))
    cartesian = {"px": x, "py": y, "pz": z, "energy": np.sqrt(x**2 + y**2 + z**2 + m**2)}
    columns = {f"muon.{name}": Column(f"muon.{name}", unit=unit, shape="list") for name, unit in POLAR.items()}
    columns |= {f"jet.{name}": Column(f"jet.{name}", unit=unit, shape="list") for name, unit in CARTESIAN.items()}
    columns["met"] = Column("met", unit="GeV")
    columns["met_phi"] = Column("met_phi")
    flat = {"met": rng.exponential(30, events), "met_phi": rng.uniform(-np.pi, np.pi, events)}
    lists = {"muon": Lists(offsets_of(muons), polar), "jet": Lists(offsets_of(jets), cartesian)}
    table = EventTable(events, flat, lists, Metadata(columns=columns))
    mu = ak.zip({name: ak.unflatten(values, muons) for name, values in polar.items()}, with_name="Momentum4D")
    jet = ak.zip(
        {("E" if name == "energy" else name): ak.unflatten(values, jets) for name, values in cartesian.items()},
        with_name="Momentum4D",
    )
    return table, mu, jet


def _value(table: EventTable, text: str, more: str = "") -> tuple[Any, Any]:
    """Return the values of an expression on a table, and their offsets (None for one per event)."""
    histogram = f"histograms: [{{name: h, of: '{text}', bins: 1, from: 0, to: 1}}]"
    analysis = from_document(loads(f"{more}\n{histogram}"))
    scope = Scope(
        Program(),
        columns_of(table),
        {},
        analysis.parameters,
        analysis.definitions,
        analysis.objects,
        functions=analysis.functions,
    )
    expression = analysis.histograms[0].of[0]
    node = scope.attempt(expression, lambda checker: checker.number(expression.tree))
    roots = [node] if node.axis is None else [node, node.axis]
    found = Plan(roots).run(table)
    return found[node.id].floats, None if node.axis is None else found[node.axis.id].offsets


@pytest.mark.parametrize("seed", range(2))
def test_pairs_are_those_of_vector(seed: int) -> None:
    table, mu, jet = _made(seed)
    first, second = ak.unzip(ak.combinations(mu, 2))
    muon, other = ak.unzip(ak.cartesian([mu, jet]))
    cases = {
        "mass(pairs(muon))": (first + second).mass,
        "mass(pairs(muon).first, pairs(muon).second)": (first + second).mass,
        "delta_r(pairs(muon).first, pairs(muon).second)": first.deltaR(second),
        "delta_phi(pairs(muon).first, pairs(muon).second)": first.deltaphi(second),
        "mass(pairs(muon, jet))": (muon + other).mass,
        "delta_r(pairs(muon, jet).first, pairs(muon, jet).second)": muon.deltaR(other),
        "mass(jet)": jet.mass,
        "mass(pairs(muon), pairs(muon).first)": (first + second + first).mass,
        "delta_phi(muon.phi, met_phi)": vector_phi(mu, table),
    }
    for text, wanted in cases.items():
        values, offsets = _value(table, text)
        assert np.array_equal(np.diff(offsets), ak.to_numpy(ak.num(wanted))), text
        # a mass of two nearly parallel momenta is the difference of squares of their energies
        np.testing.assert_allclose(values, ak.to_numpy(ak.flatten(wanted)), rtol=1e-6, atol=2e-5, err_msg=text)


def vector_phi(mu: ak.Array, table: EventTable) -> ak.Array:
    """Return the azimuth of muons less that of a flat column."""
    met = vector.zip({"rho": table["met"], "phi": table["met_phi"]})
    return mu.deltaphi(ak.broadcast_arrays(met, mu.pt)[0])


def test_elements_of_a_collection() -> None:
    table, mu, _ = _made(3)
    values, offsets = _value(table, "mass(muon[0], muon[-1])")
    two = ak.num(mu) > 0
    assert offsets is None
    np.testing.assert_array_equal(np.isnan(values), ~ak.to_numpy(two))
    wanted = (mu[two][:, 0] + mu[two][:, -1]).mass
    np.testing.assert_allclose(values[ak.to_numpy(two)], ak.to_numpy(wanted), rtol=1e-6, atol=1e-3)
    assert np.array_equal(*(_value(table, text)[0] for text in ("first(muon).pt", "first(muon.pt)")), equal_nan=True)
    best = "objects: {z: {from: pairs(muon), where: 'first.charge != second.charge and mass(first, second) > 1 GeV'}}"
    values, offsets = _value(table, "sort(z, -mass(z))[0].second.pt", best)
    assert offsets is None
    pairs = ak.combinations(mu, 2, fields=["a", "b"])
    mass = (pairs.a + pairs.b).mass
    keep = (pairs.a.charge != pairs.b.charge) & (mass > 1)
    at = ak.argmax(ak.mask(mass, keep), axis=1, keepdims=True)
    np.testing.assert_array_equal(values, ak.to_numpy(ak.fill_none(ak.firsts(pairs.b[at].pt), np.nan)))


def test_hyperbolic_functions() -> None:
    table, mu, _ = _made(5)
    eta = ak.to_numpy(ak.flatten(mu.eta))
    for name, function in {"sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "exp10": lambda x: 10.0**x}.items():
        np.testing.assert_array_equal(_value(table, f"{name}(muon.eta)")[0], function(eta))


def test_functions_of_a_file() -> None:
    table, mu, _ = _made(7)
    more = (
        "functions:\n"
        "  mt(pt, phi): sqrt(2 * pt * met * (1 - cos(turn(phi))))\n"
        "  turn(phi): delta_phi(phi, met_phi)\n"
        "  both(a, b): a.pt + b.pt\n"
        "define: {total: 'both(muon[0], muon[1])'}"
    )
    values, _ = _value(table, "mt(muon.pt, muon.phi)", more)
    pt, phi = mu.pt, mu.phi
    wanted = np.sqrt(2 * pt * table["met"] * (1 - np.cos(phi - table["met_phi"])))
    np.testing.assert_allclose(values, ak.to_numpy(ak.flatten(wanted)), rtol=1e-6, atol=1e-6)
    values, _ = _value(table, "total", more)
    two = ak.to_numpy(ak.num(mu) > 1)
    np.testing.assert_array_equal(values[two], ak.to_numpy(pt[two][:, 0] + pt[two][:, 1]))


def test_the_body_of_a_function_is_part_of_what_a_cut_means() -> None:
    def meaning(body: str, argument: str = "x", name: str = "f") -> str:
        declared = f"parameters: {{least: 1}}\nfunctions: {{{name}({argument}): {body}}}"
        text = f"{declared}\ncuts: [{{name: c, require: {name}(a) > 1}}]"
        return from_document(loads(text)).cuts_hash

    assert meaning("x + 1") == meaning("(x + 1)") != meaning("x + 2")
    assert meaning("x + least") == meaning("x + 1")


REFUSED = {
    "mass(muon.pt)": ("has no momentum", "pairs(muon)"),
    "mass(muon[0], met)": ("'met' has no momentum",),
    "mass(thing)": ("has no field 'pt' or 'px'", "its fields are v"),
    "pairs(muon)": ("is a collection",),
    "pairs(muon.pt)": ("pairs are made of a collection",),
    "pairs(pairs(muon))": ("are pairs already",),
    "delta_r(pairs(muon), muon)": ("are pairs", "pairs(muon).first"),
    "delta_phi(met, met_phi)": ("takes angles",),
    "pairs(muon).frist.pt": ("unknown field 'pairs(muon).frist'",),
    "pairs(muon, jet, jet)": ("pairs takes 1 to 2 arguments", "pairs(a[, b])"),
    "muon[0]": ("is an element of a collection", "muon[0].pt"),
    "mass(muon[0], bare[0])": ("is in GeV, 'pt' is a pure number", "columns: {bare.pt: GeV}"),
    "sinh(met)": ("takes a pure number",),
    "f(1)": ("f takes 2 arguments, not 1: f(x, y)",),
    "f(met, 1)": ("in the function 'f(x, y)', <text>:1:", "cannot add GeV and a pure number"),
    "again(1)": ("the function 'again' calls itself",),
    "ff(1, 2)": ("unknown function 'ff'", "did you mean 'f'"),
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_does_not_fit_is_told(text: str) -> None:
    table, _, _ = _made(1, events=5)
    size = np.zeros(5, int)
    more = {"bare": ("pt", "eta", "phi", "mass"), "thing": ("v",)}
    lists = {name: Lists(offsets_of(size), {field: np.zeros(0) for field in fields}) for name, fields in more.items()}
    table = EventTable(5, table.flat, {**table.lists, **lists}, table.metadata)
    with pytest.raises(UserError) as caught:
        bind(
            from_document(
                loads(
                    "functions: {'f(x, y)': x + y, 'again(x)': again(x)}\n"
                    f"cuts: [{{name: c, require: 'any({text} > 0)'}}]"
                )
            ),
            columns_of(table),
        )
    message = str(caught.value)
    for said in REFUSED[text]:
        assert said in message


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("f", "no name with arguments"),
        ("f()", "has no arguments"),
        ("sum(x)", "is a word of the language"),
        ("f(x, x)", "two arguments"),
        ("f(low)", "has the name of a parameter"),
        ("f(1x)", "cannot be the name of an argument"),
    ],
)
def test_how_a_function_is_declared(head: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        from_document(loads(f"parameters: {{low: 1}}\nfunctions: {{'{head}': '1'}}"))


def test_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    table, mu, _ = _made(1)
    wanted = int(ak.sum(ak.num(ak.combinations(mu, 2))))
    monkeypatch.setattr(operations, "MOST_PAIRS", wanted)
    assert len(_value(table, "mass(pairs(muon))")[0]) == wanted
    monkeypatch.setattr(operations, "MOST_PAIRS", wanted - 1)
    with pytest.raises(UserError, match=f"makes {wanted} pairs in 200 events"):
        _value(table, "mass(pairs(muon))")
