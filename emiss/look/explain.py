"""One event's tracks: the hits, the fast fit, and iminuit on the same hits, as numbers and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.look.one_event import open_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.events.lists import Array
    from emiss.reco.detector.model import Detector
    from emiss.reco.tracking.fit import TrackFits
    from emiss.reco.tracking.single_track import SingleFit, TrackModel
    from emiss.reco.tracking.stage import ArmTracks

NAMES = ("x", "y", "tx", "ty", "q/p")

STATUS = ("ok", "too few hits", "not converged", "covariance not positive", "left the field")
"""What the status of a fit says."""


@dataclass(frozen=True)
class Explained:
    """One candidate of an event.

    Attributes
    ----------
    arm : str
        ``tracks`` or ``beam_tracks``.
    number : int
        Its place among the candidates of the spectrometer.
    model : TrackModel
        Its hits and the spectrometer.
    fits : TrackFits
        Of this one track.
    at : mapping of name to (z, x, y, error of x, error of y)
        Where the track meets the faces of parts, mm.
    single : SingleFit, optional
        By iminuit; none where it was not asked for or the hits do not determine a track.
    """

    arm: str
    number: int
    model: TrackModel
    fits: TrackFits
    at: Mapping[str, tuple[float, float, float, float, float]]
    single: SingleFit | None = None

    @property
    def state(self) -> Array:
        """The fast fit's state, shape (5,)."""
        fits = self.fits
        return np.array([values[0] for values in (fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p)])

    @property
    def errors(self) -> Array:
        """The fast fit's errors, shape (5,)."""
        errors: Array = np.sqrt(np.diagonal(self.fits.cov[0]))
        return errors

    @property
    def status(self) -> str:
        """What became of the fast fit."""
        return STATUS[int(self.fits.status[0])]

    def to_json(self) -> dict[str, Any]:
        """Return all numbers as plain data; null for what is not defined."""
        fits = self.fits
        told: dict[str, Any] = {
            "collection": self.arm,
            "candidate": self.number,
            "status": self.status,
            "p": fits.p[0],
            "charge": fits.charge[0],
            "state": dict(zip(NAMES, self.state, strict=True)),
            "errors": dict(zip(NAMES, self.errors, strict=True)),
            "chi2": fits.chi2[0],
            "ndf": int(fits.ndf[0]),
            "z": self.model.z,
            "hits": self.model.hits,
            "residuals": fits.residuals[0],
            "pulls": fits.pulls[0],
            "at": {
                name: dict(zip(("z", "x", "y", "sigma_x", "sigma_y"), v, strict=True)) for name, v in self.at.items()
            },
        }
        if self.single is not None:
            told["iminuit"] = {
                "valid": self.single.valid,
                "state": dict(zip(NAMES, self.single.state, strict=True)),
                "errors": dict(zip(NAMES, self.single.errors, strict=True)),
                "chi2": self.single.chi2,
                "off": dict(zip(NAMES, (self.state - self.single.state) / self.single.errors, strict=True)),
            }
        plain: dict[str, Any] = _plain(told)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return value


def explain_event(
    path: str | Path, event: int, detector: str | Path, calib: str | Path | None, *, oracle: bool
) -> tuple[list[Explained], Detector]:
    """Return the candidates of one event of a run file, with iminuit's fits if `oracle` is asked.

    Raises
    ------
    UserError
        If there is no such entry, or it is no physics event that can be read.
    """
    from emiss.reco.tracking.clusters import clusters_of
    from emiss.reco.tracking.extrapolation import faces
    from emiss.reco.tracking.fit import Hits
    from emiss.reco.tracking.single_track import TrackModel, fit_single
    from emiss.reco.tracking.stage import TrackStage

    run, batch = open_event(path, event, detector, calib)
    loaded = run.detector
    constants = run.conditions.for_run(batch.run)
    tracking = TrackStage(loaded, tier="raw" if batch.cells is None else "hits")
    tracking.begin_run(constants)
    clusters = clusters_of(batch, loaded, constants)
    explained = []
    for name, arm in tracking.arms.items():
        hits = arm(clusters).hits
        for number in range(len(hits.x)):
            one = Hits(hits.z, *(v[number : number + 1] for v in (hits.x, hits.y, hits.sigma_x, hits.sigma_y)))
            model = TrackModel(one, arm.spectrometer, 0)
            single = fit_single(one, arm.spectrometer) if oracle and arm.bends and model.determined else None
            fits = arm.fit(one)
            at = _extrapolated(fits, arm, faces(loaded))
            explained.append(Explained(name, number, model, fits, at, single))
    return explained, loaded


def _extrapolated(
    fits: TrackFits, arm: ArmTracks, places: Mapping[str, float]
) -> dict[str, tuple[float, float, float, float, float]]:
    """Return where a track meets the parts: behind its spectrometer where that says `at`, else those before it, straight."""
    from emiss.reco.tracking.extrapolation import straight

    first = float(arm.z[0])
    at = arm.arm.settings.at
    if at is not None:
        made = {at: arm.move(fits, places[at])}
    else:
        made = {face: straight(fits, z - first) for face, z in places.items() if z <= first}
    found = {}
    for face, (state, cov) in made.items():
        x, y = state[0, :2].tolist()
        sigma_x, sigma_y = np.sqrt(np.diagonal(cov[0]))[:2].tolist()
        found[face] = (places[face], x, y, sigma_x, sigma_y)
    return found


def draw(explained: Sequence[Explained], detector: Detector, title: str, out: str | Path) -> Path:
    """Draw candidates to a PNG, a row each: bend view, other view, residuals, chi2 along q/p."""
    from emiss import drawing

    figure = drawing.figure(16, 3.6 * len(explained) + 0.5)
    for one, row in zip(explained, figure.subplots(len(explained), 4, squeeze=False), strict=True):
        magnet = detector.arms[one.arm].magnet
        for view, axes in enumerate(row[:2]):
            _view(axes, one, view, None if magnet is None else magnet.z)
        _residuals(row[2], one)
        _scan(row[3], one)
    figure.suptitle(title, fontsize=11)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.save(figure, path, dpi=110, kind="png")
    return path


def _view(axes: Any, one: Explained, view: int, magnet: tuple[float, float] | None) -> None:
    model = one.model
    if magnet is not None:
        axes.axvspan(magnet[0] * 1e-3, magnet[1] * 1e-3, color="tab:blue", alpha=0.1, lw=0)
    along = np.linspace(model.z[0], model.z[-1], 120)
    if np.isfinite(one.state[:4]).all():
        path = model.path(np.nan_to_num(one.state), along)[:, view]
        told = f"{one.fits.charge[0]:+.0f} {one.fits.p[0]:.2f} GeV" if np.isfinite(one.state[4]) else "straight"
        axes.plot(along * 1e-3, path, color="k", lw=1, label=f"fit: {told}")
    if one.single is not None and np.isfinite(one.single.state).all():
        path = model.path(one.single.state, along)[:, view]
        p = abs(1.0 / one.single.state[4])
        axes.plot(along * 1e-3, path, color="tab:orange", lw=1, ls="--", label=f"iminuit: {p:.2f} GeV")
    axes.plot(model.z * 1e-3, model.hits[:, view], "o", color="tab:red", ms=5)
    title = f"{one.arm} {one.number}, bend view" if view == 0 else "other view"
    axes.set(xlabel="z, m", ylabel=f"{'xy'[view]}, mm")
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8, frameon=False)


def _residuals(axes: Any, one: Explained) -> None:
    places = np.arange(len(one.model.z))
    for view, name in enumerate("xy"):
        residual = one.fits.residuals[0, :, view] * 1e3
        spread = (one.single.sigma[:, view] if one.single else one.model.sigma[:, view]) * 1e3
        axes.errorbar(places + 0.1 * (2 * view - 1), residual, spread, fmt="o", ms=4, label=name, capsize=2)
    axes.axhline(0.0, color="0.6", lw=0.8)
    axes.set_xticks(places, [f"{z * 1e-3:.2f} m" for z in one.model.z], fontsize=8)
    axes.set(ylabel="um")
    axes.set_title("measured - fitted; errors with scattering", fontsize=10)
    axes.legend(fontsize=8, frameon=False)


def _scan(axes: Any, one: Explained) -> None:
    if one.single is None:
        axes.set_axis_off()
        return
    places, values = one.single.scan.T
    axes.plot(places * 1e3, values, "o", ms=3, color="tab:orange", label="iminuit, all others fitted again")
    if np.isfinite(one.errors[4]):
        axes.plot(
            places * 1e3, ((places - one.state[4]) / one.errors[4]) ** 2, color="k", lw=1, label="parabola of the fit"
        )
    axes.axhline(1.0, color="0.6", lw=0.8, ls=":")
    axes.set(xlabel="q/p, e/TeV", ylabel="chi2 - minimum")
    axes.set_title(f"chi2 {one.single.chi2:.2f} for {one.single.ndf} degrees of freedom", fontsize=10)
    axes.legend(fontsize=8, frameon=False)
