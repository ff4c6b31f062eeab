"""What a field map holds, as numbers and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from emiss.reco.field.field_map import FieldMap


def summary(field: FieldMap) -> dict[str, Any]:
    """Return bounds (mm), nodes, largest values (T), integral along the axis (T m), kick (GeV) and divergence of a map."""
    largest = np.abs(field.values).max(axis=(0, 1, 2))
    scale = float(np.abs(field.values).max())
    known = np.isfinite(field.integral)  # not where the map does not hold the axis
    ends = np.abs(field.values[:, :, [0, -1]]).max()
    return {
        "bounds": {name: [float(axis[0]), float(axis[-1])] for name, axis in zip("xyz", field.axes, strict=True)},
        "nodes": [len(axis) for axis in field.axes],
        "largest": {f"B{name}": float(value) for name, value in zip("xyz", largest, strict=True)},
        "integral": field.integral * 1e-3 if known else None,
        "kick": field.kick if known else None,
        "box": {"by": field.box.by, "z": list(field.box.z_range)},
        "ends": float(ends) / scale if scale else 0.0,
        "divergence": field.divergence,
        "largest_divergence": float(np.abs(field.divergences).max()),
    }


def draw(field: FieldMap, out: str | Path) -> Path:
    """Draw a map to a PNG: the field along z, By across the magnet, By in the bend plane, and where the divergence is."""
    from emiss import drawing

    figure = drawing.figure(12, 8)
    along, across, plane, where = figure.subplots(2, 2).ravel()
    x, y, z = field.axes
    middle = float(np.mean(field.box.z_range))
    lines = ((0.0, 0.0, "axis"), (0.0, 0.75 * y[-1], f"y = {0.75 * y[-1]:.0f} mm"))
    for number, (at_x, at_y, label) in enumerate(lines):
        values = field.at(at_x, at_y, z)
        for part, name in enumerate("xyz"):
            style = {"color": f"C{part}", "ls": ("-", "--")[number]}
            along.plot(z * 1e-3, values[:, part], label=f"B{name}, {label}", **style)
    along.set(xlabel="z, m", ylabel="T", title=f"along z: integral of By on the axis {field.integral * 1e-3:.4f} T m")
    along.legend(fontsize=8, frameon=False)
    across.plot(x, field.at(x, 0.0, middle)[:, 1], label="By along x")
    across.plot(y, field.at(0.0, y, middle)[:, 1], label="By along y")
    across.set(xlabel="mm", ylabel="T", title=f"across, at z = {middle * 1e-3:.2f} m")
    across.legend(fontsize=8, frameon=False)
    bent = field.at(x[:, None], 0.0, z[None, :])[..., 1]
    image = plane.pcolormesh(z * 1e-3, x, bent, shading="nearest", cmap="viridis")
    figure.colorbar(image, ax=plane, label="By, T")
    plane.set(xlabel="z, m", ylabel="x, mm", title="By in the bend plane, y = 0")
    divergence = np.abs(field.divergences).max(axis=1)
    image = where.pcolormesh(z * 1e-3, x, divergence, shading="flat", cmap="magma")
    figure.colorbar(image, ax=where, label="T/mm")
    where.set(xlabel="z, m", ylabel="x, mm", title=f"largest divergence over y; in all {field.divergence:.4f}")
    figure.suptitle(field.name, fontsize=10)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.save(figure, path, dpi=110, kind="png")
    return path
