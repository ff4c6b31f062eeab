// A quantity as a series: spill by spill, or channel by channel.

import { short, svg } from "./base.js";
import { ticks } from "./chart.js";

const HEIGHT = 150, LEFT = 52, RIGHT = 8, TOP = 8, BOTTOM = 26;

/**
 * Draw a series. spec: label, values (null: none), names (of the places), marked (places that stand out), zero (what the axis
 * has to reach), usual (a second series, dashed), lines (connect the points), x (name of the axis).
 */
export function series(host, spec) {
  const width = Math.max(240, Math.round(host.clientWidth || 360));
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": spec.label });
  host.replaceChildren(chart);
  const known = [...spec.values, ...(spec.usual ?? []), spec.zero].filter((value) => value !== null && value !== undefined);
  if (!known.length) return;
  let low = Math.min(...known), high = Math.max(...known);
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(low, low * 1.1, 0), Math.max(high * 1.1, 0)];
  const room = (high - low) * 0.06;
  if (low !== spec.zero) low -= room;
  if (high !== spec.zero) high += room;
  const count = spec.values.length, bottom = HEIGHT - BOTTOM, right = width - RIGHT;
  const x = (i) => Math.round(10 * (LEFT + ((i + 0.5) / Math.max(count, 1)) * (right - LEFT))) / 10;
  const y = (value) => Math.round(10 * (bottom - ((value - low) / (high - low)) * (bottom - TOP))) / 10;
  for (const at of ticks(low, high, 4)) {
    chart.append(svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(at), y2: y(at) }));
    chart.append(svg("text", { x: LEFT - 6, y: y(at) + 4, "text-anchor": "end" }, short(at, 3)));
  }
  chart.append(svg("path", { class: "axis", d: `M${LEFT} ${TOP}V${bottom}H${right}` }));
  const every = Math.max(1, Math.ceil(count / Math.max(2, Math.floor((right - LEFT) / 70))));
  for (let i = 0; i < count; i += every) {
    chart.append(svg("text", { x: x(i), y: bottom + 13, "text-anchor": "middle" }, spec.short ? spec.short[i] : spec.names[i]));
  }
  chart.append(svg("text", { x: right, y: bottom + 24, "text-anchor": "end" }, spec.x));
  if (spec.usual) {
    const half = (right - LEFT) / Math.max(count, 1) / 2;
    chart.append(svg("path", { class: "usual", d: spec.usual.map((value, i) => (value === null ? "" : `M${x(i) - half} ${y(value)}h${2 * half}`)).join("") }));
  }
  if (spec.lines) {
    let path = "", pen = "M";
    spec.values.forEach((value, i) => {
      if (value === null) { pen = "M"; return; }
      path += `${pen}${x(i)} ${y(value)}`;
      pen = "L";
    });
    chart.append(svg("path", { class: "trend", d: path }));
  }
  spec.values.forEach((value, i) => {
    if (value === null) return;
    const marked = spec.marked?.has(i);
    const said = svg("title", {}, `${spec.names[i]}: ${short(value)}`);
    // another shape, too: colours are not seen by all
    chart.append(marked
      ? svg("path", { class: "point alarm", d: `M${x(i)} ${y(value) - 6}l5 9h-10Z` }, said)
      : svg("circle", { class: "point", cx: x(i), cy: y(value), r: count > 120 ? 1.6 : 2.6 }, said));
  });
}
