// Charts as SVG: steps, stacks, points, curves on a second axis, thresholds that can be moved, and planes.

import { short, svg } from "./base.js";

const HEIGHT = 230;
const LEFT = 52, TOP = 20, BOTTOM = 34;

/** Return round numbers between two ends, about as many as asked for. */
export function ticks(low, high, count) {
  const rough = (high - low) / count;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

function decades(low, high) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / 6));
  const found = [];
  for (let k = first; k <= last; k += every) found.push(10 ** k);
  const inside = (x) => x >= low * 0.999 && x <= high * 1.001;
  const whole = found.filter(inside);
  // less than two powers of ten have room for what lies between
  return whole.length > 2 ? whole : found.flatMap((x) => [x, 2 * x, 5 * x]).filter(inside);
}

/** Return the range of an axis of counts: from where the smallest bin is seen, at most eight decades. */
function heights(tops, log) {
  const known = tops.filter((x) => x > 0);
  const most = Math.max(...known, 0);
  if (!log) return [0, most > 0 ? most * 1.12 : 1];
  if (!(most > 0)) return [0.1, 10];
  const least = Math.max(Math.min(...known), most / 1e8);
  return [least / 2, most * 3];
}

export function frame(host, width, label) {
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "group", "aria-label": label });
  host.replaceChildren(chart);
  return chart;
}

export function axes(chart, box, x, y, spec) {
  const bottom = box.bottom;
  for (const at of x.ticks) {
    chart.append(svg("line", { class: "grid", x1: x.of(at), x2: x.of(at), y1: box.top, y2: bottom }));
    chart.append(svg("text", { x: x.of(at), y: bottom + 14, "text-anchor": "middle" }, short(at, 6)));
  }
  for (const at of spec.y === "" ? [] : y.ticks) {
    chart.append(svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y.of(at), y2: y.of(at) }));
    chart.append(svg("text", { x: box.left - 6, y: y.of(at) + 4, "text-anchor": "end" }, short(at, 3)));
  }
  chart.append(svg("path", { class: "axis", d: `M${box.left} ${box.top}V${bottom}H${box.right}` }));
  chart.append(svg("text", { x: box.right, y: bottom + 29, "text-anchor": "end" }, spec.x));
  chart.append(svg("text", { x: 2, y: 10 }, spec.y));
}

export function scale(low, high, from, to, log = false) {
  const map = log ? Math.log10 : (x) => x;
  const a = map(low), b = map(high);
  const of = (value) => {
    const at = from + ((map(value) - a) / (b - a || 1)) * (to - from);
    return Number.isFinite(at) ? Math.round(at * 10) / 10 : from;
  };
  return { of, back: (pixel) => a + ((pixel - from) / (to - from)) * (b - a), low, high };
}

/** Return the outline of bins. */
function steps(edges, values, x, y, floor) {
  let path = "";
  values.forEach((value, i) => {
    const at = y.of(Math.max(value ?? 0, floor));
    path += `${i ? "L" : "M"}${x.of(edges[i])} ${at}H${x.of(edges[i + 1])}`;
  });
  return path;
}

/**
 * Draw distributions.
 *
 * spec: label, x, y, edges, stack and lines and points ([{name, style, values, errors}]), log, marks ([{name, value, below,
 * moved, step}]), right ({label, at, curves: [{style, values, best, atBest}]}).
 */
export function distribution(host, spec) {
  const width = Math.max(260, Math.round(host.clientWidth || 420));
  const right = spec.right && spec.right.curves.some((curve) => curve.values.some((v) => v !== null));
  const box = { left: LEFT, right: width - (right ? 44 : 10), top: TOP, bottom: HEIGHT - BOTTOM };
  const chart = frame(host, width, spec.label);
  const low = spec.edges[0], high = spec.edges[spec.edges.length - 1];
  const x = scale(low, high, box.left, box.right);
  x.ticks = ticks(low, high, Math.max(3, Math.round(width / 90)));

  const total = [];
  const layers = spec.stack.map((part) => {
    const bottom = part.values.map((_, i) => total[i] ?? 0);
    part.values.forEach((value, i) => { total[i] = (total[i] ?? 0) + (value ?? 0); });
    return { part, bottom, top: total.slice() };
  });
  const all = [...(layers.length ? layers.flatMap((layer) => layer.top) : []), ...spec.lines.flatMap((s) => s.values), ...spec.points.flatMap((s) => s.values)];
  const [least, most] = heights(all.map((value) => value ?? 0), spec.log);
  const y = scale(least, most, box.bottom, box.top, spec.log);
  y.ticks = spec.log ? decades(least, most) : ticks(least, most, 4);
  axes(chart, box, x, y, spec);

  for (const { part, bottom, top } of layers) {
    const back = steps([...spec.edges].reverse(), [...bottom].reverse(), x, y, least).replace(/^M/, "L");
    chart.append(svg("path", { class: `area ${part.style}`, d: `${steps(spec.edges, top, x, y, least)}${back}Z` }, svg("title", {}, part.name)));
  }
  for (const part of spec.lines) {
    chart.append(svg("path", { class: `out ${part.style}`, d: steps(spec.edges, part.values, x, y, least) }, svg("title", {}, part.name)));
  }
  for (const part of spec.points) {
    part.values.forEach((value, i) => {
      if (!(value > 0)) return;
      const middle = x.of((spec.edges[i] + spec.edges[i + 1]) / 2), error = part.errors[i] ?? 0;
      const foot = y.of(Math.max(value - error, least));
      chart.append(svg("path", { class: `out ${part.style}`, d: `M${middle} ${foot}V${y.of(value + error)}` }));
      chart.append(svg("circle", { class: `dot ${part.style}`, cx: middle, cy: y.of(value), r: 2.4 }));
    });
  }
  if (right) curves(chart, box, x, spec.right);
  for (const mark of spec.marks ?? []) threshold(chart, box, x, mark);
  return chart;
}

function curves(chart, box, x, right) {
  const most = Math.max(...right.curves.flatMap((curve) => curve.values.map((v) => v ?? 0)), 0) || 1;
  const y = scale(0, most * 1.12, box.bottom, box.top);
  for (const at of ticks(0, most, 3)) {
    chart.append(svg("text", { x: box.right + 5, y: y.of(at) + 4 }, short(at, 3)));
  }
  chart.append(svg("text", { x: box.right + 42, y: 10, "text-anchor": "end" }, right.label));
  for (const curve of right.curves) {
    let path = "", pen = "M";
    curve.values.forEach((value, i) => {
      if (value === null) { pen = "M"; return; }
      path += `${pen}${x.of(right.at[i])} ${y.of(value)}`;
      pen = "L";
    });
    chart.append(svg("path", { class: `merit ${curve.style}`, d: path }, svg("title", {}, curve.name)));
    if (curve.best !== null && curve.best !== undefined) {
      const said = `best: ${short(curve.atBest)} at ${short(curve.best, 6)}`;
      chart.append(svg("circle", { class: "best", cx: x.of(curve.best), cy: y.of(curve.atBest), r: 3.5 }, svg("title", {}, said)));
    }
  }
}

/** Draw a threshold, which the pointer and the arrow keys move. */
function threshold(chart, box, x, mark) {
  const at = Math.min(Math.max(mark.value, x.low), x.high);
  const place = x.of(at);
  const shaded = mark.below ? [place, box.right] : [box.left, place];
  if (mark.below !== undefined) {
    chart.append(svg("rect", { class: "cut", x: shaded[0], y: box.top, width: Math.max(0, shaded[1] - shaded[0]), height: box.bottom - box.top }));
  }
  const arrow = mark.below ? -7 : 7;
  const left = place > (box.left + box.right) / 2;
  const group = svg("g", {
    class: "mark", tabindex: 0, role: "slider", "data-mark": mark.name, "aria-label": mark.name,
    "aria-valuemin": x.low, "aria-valuemax": x.high, "aria-valuenow": mark.value,
  },
    svg("line", { x1: place, x2: place, y1: box.top, y2: box.bottom }),
    mark.below === undefined ? null : svg("path", { d: `M${place} ${box.top + 5}l${arrow} 4l${-arrow} 4Z` }),
    svg("text", { x: place + (left ? -5 : 5), y: box.top - 3, "text-anchor": left ? "end" : "start" }, short(mark.value, 6)),
    svg("rect", { class: "grip", x: place - 12, y: box.top, width: 24, height: box.bottom - box.top }),
  );
  chart.append(group);
  if (!mark.moved) return;
  const rounded = (value) => {
    const stepped = Math.round((value - x.low) / mark.step) * mark.step + x.low;
    return Number(Math.min(Math.max(stepped, x.low), x.high).toPrecision(10));
  };
  group.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    group.focus();
    const ratio = chart.viewBox.baseVal.width / chart.getBoundingClientRect().width;
    const start = chart.getBoundingClientRect().left;
    // the drawing is made anew at each move: the window hears the pointer, not the line
    const move = (where) => mark.moved(rounded(x.back((where.clientX - start) * ratio)), true);
    const end = () => {
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", end);
      window.removeEventListener("pointercancel", end);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", end);
    window.addEventListener("pointercancel", end);
  });
  group.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    mark.moved(rounded(mark.value + by * mark.step));
  });
}

/** Draw a plane: cells of one sample, darker where there is more. spec: label, x, y, edges [x, y], values, style, log. */
export function plane(host, spec) {
  const width = Math.max(260, Math.round(host.clientWidth || 420));
  const box = { left: LEFT, right: width - 10, top: TOP, bottom: HEIGHT - BOTTOM };
  const chart = frame(host, width, spec.label);
  const [xs, ys] = spec.edges;
  const x = scale(xs[0], xs[xs.length - 1], box.left, box.right);
  const y = scale(ys[0], ys[ys.length - 1], box.bottom, box.top);
  x.ticks = ticks(x.low, x.high, Math.max(3, Math.round(width / 90)));
  y.ticks = ticks(y.low, y.high, 4);
  axes(chart, box, x, y, spec);
  const known = spec.values.flat().filter((value) => value > 0);
  const most = Math.max(...known, 0), least = Math.max(Math.min(...known, most), most / 1e6);
  const shades = 8, paths = Array(shades).fill("");
  spec.values.forEach((column, i) => column.forEach((value, k) => {
    if (!(value > 0)) return;
    const share = spec.log && most > least ? Math.log(Math.max(value, least) / least) / Math.log(most / least) : value / most;
    const shade = Math.min(shades - 1, Math.floor(share * shades));
    const x0 = x.of(xs[i]), y0 = y.of(ys[k + 1]);
    paths[shade] += `M${x0} ${y0}H${x.of(xs[i + 1])}V${y.of(ys[k])}H${x0}Z`;
  }));
  paths.forEach((d, shade) => {
    if (d) chart.append(svg("path", { class: `cell ${spec.style}`, "fill-opacity": 0.18 + (0.82 * (shade + 1)) / shades, d }));
  });
  return chart;
}
