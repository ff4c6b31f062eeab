// The colours of energies: from 1 MeV to the energy of the beam in the logarithm, paler on white, brighter in the dark.

const LIGHT = [[255, 239, 168], [254, 196, 79], [251, 123, 53], [215, 38, 30], [122, 0, 32]];
const DARK = [[74, 34, 24], [140, 48, 24], [214, 90, 32], [246, 166, 62], [255, 238, 176]];
const LEAST = 1e-3;

const dark = matchMedia("(prefers-color-scheme: dark)"), print = matchMedia("print");

/** Call when the colours change: the scheme, or the page on paper. */
export function schemeChanged(work) {
  dark.addEventListener("change", work);
  print.addEventListener("change", work);
}

/** Return where an energy (GeV) is between the ends of the scale, 0 to 1. */
export const share = (energy, most) => Math.min(1, Math.max(0, Math.log(energy / LEAST) / Math.log(Math.max(most, 10 * LEAST) / LEAST)));

/** Return the colour of an energy. */
export function colour(energy, most) {
  const stops = dark.matches && !print.matches ? DARK : LIGHT;
  const at = share(energy, most) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  const mixed = stops[low].map((part, i) => Math.round(part + (at - low) * (stops[low + 1][i] - part)));
  return `rgb(${mixed.join(",")})`;
}

/** Return whether text on the colour of an energy is to be dark. */
export const darkText = (energy, most) => (dark.matches && !print.matches ? share(energy, most) > 0.6 : share(energy, most) < 0.6);

/** Return an energy with its unit. */
export function energyText(energy) {
  if (energy === null || energy === undefined) return "–";
  if (energy === 0) return "0";
  const [value, unit] = Math.abs(energy) >= 0.1 ? [energy, "GeV"] : Math.abs(energy) >= 1e-4 ? [energy * 1e3, "MeV"] : [energy * 1e6, "keV"];
  return `${Number(value.toPrecision(3))} ${unit}`;
}

export const ENDS = (most) => [LEAST, Math.max(most, 10 * LEAST)];
