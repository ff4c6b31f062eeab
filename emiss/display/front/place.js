// Where things are drawn: z with its long empty stretches shortened, the window that is seen, and parts of outlines.

/** z (mm) to where it is drawn, and back. */
export class Along {
  constructor(knots, shortened) {
    this.z = shortened ? knots.z : [knots.z[0], knots.z[knots.z.length - 1]];
    this.drawn = shortened ? knots.drawn : [0, this.z[1] - this.z[0]];
    this.breaks = shortened ? knots.breaks : [];
    this.length = this.drawn[this.drawn.length - 1];
  }

  of(z) { return between(z, this.z, this.drawn); }

  back(u) { return between(u, this.drawn, this.z); }
}

function between(x, from, to) {
  const last = from.length - 1;
  if (x <= from[0]) return to[0] + (x - from[0]);
  if (x >= from[last]) return to[last] + (x - from[last]);
  let i = 0;
  while (x > from[i + 1]) i++;
  const width = from[i + 1] - from[i];
  return width > 0 ? to[i] + ((x - from[i]) / width) * (to[i + 1] - to[i]) : to[i];
}

/** Return the corners of a part of an outline (corners as the server gives them), by shares of its depth and across it. */
export function quad(corners, view, depth, across) {
  const [a, b, c, d] = corners;
  const [front, back] = view === "y" ? [[a, d], [b, c]] : [[a, b], [d, c]];
  const at = (f, g) => [0, 1].map((i) => {
    const near = front[0][i] + g * (front[1][i] - front[0][i]), far = back[0][i] + g * (back[1][i] - back[0][i]);
    return near + f * (far - near);
  });
  return [at(depth[0], across[0]), at(depth[1], across[0]), at(depth[1], across[1]), at(depth[0], across[1])];
}

/** Return the range of the second coordinate of some points. */
export function range(points, least = 0) {
  let low = Infinity, high = -Infinity;
  for (const [, v] of points) { low = Math.min(low, v); high = Math.max(high, v); }
  if (!(low <= high)) return [-50, 50];
  const room = Math.max(0.05 * (high - low), least);
  return [low - room, high + room];
}
