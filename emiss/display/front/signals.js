// What a part has measured: its cells from the front, waveforms with their pulses, strips and clusters of its planes.

import { axes, frame, scale, ticks } from "./chart.js";
import { by, el, short, svg } from "./base.js";
import { colour, darkText, energyText } from "./ramp.js";

const HEIGHT = 230, STRIPS = 110, CURVES = 8;

let picked = null;

/** Show the signals of a part. */
export function showSignals(about, event, part, found) {
  by("signals-title").textContent = `Signals of ${part}`;
  const host = by("signals");
  host.replaceChildren(...fronts(about, event, part, () => showSignals(about, event, part, found)));
  if (found.error) { host.append(el("p", { class: "dim" }, found.error)); return; }
  if (found.planes) {
    for (const plane of found.planes) {
      const place = el("figure", { class: "plane" });
      host.append(place);
      strips(place, plane);
    }
    return;
  }
  if (found.channels.some((one) => one.level)) {
    const place = el("figure", { class: "waves" });
    host.append(place);
    waves(place, part, found.channels);
  }
  host.append(pulses(found.channels));
}

/** Return the cells of a part as they are seen along the beam, layer by layer. */
function fronts(about, event, part, again) {
  const places = about.setup.channels;
  const groups = new Map();
  places.forEach(([name, own, outline, x, y, layer, cells], channel) => {
    if (own !== part || !cells) return;
    const key = layer < 0 ? outline : about.setup.grids[outline].layers[layer];
    const group = groups.get(key) ?? { name: key, cells: [], columns: 0, rows: 0 };
    group.cells.push({ channel, name, x, y });
    group.columns = Math.max(group.columns, x + 1);
    group.rows = Math.max(group.rows, y + 1);
    groups.set(key, group);
  });
  if (!groups.size || (groups.size && event.tier === "table" && !event.cells.length)) return [];
  const energies = new Map();
  for (const [channel, energy] of event.cells) energies.set(channel, (energies.get(channel) ?? 0) + energy);
  return [el("div", { class: "fronts" }, [...groups.values()].map((group) => {
    const size = Math.max(14, Math.min(34, Math.floor(190 / Math.max(group.columns, group.rows))));
    const chart = svg("svg", { viewBox: `0 0 ${size * group.columns + 2} ${size * group.rows + 2}`, width: size * group.columns + 2, role: "img", "aria-label": `cells of ${group.name}` });
    for (const { channel, name, x, y } of group.cells) {
      const energy = energies.get(channel) ?? 0;
      const at = { x: 1 + x * size, y: 1 + (group.rows - 1 - y) * size };
      const cell = svg("g", { class: `cell${picked === name ? " picked" : ""}`, "data-cell": name, onclick: () => { picked = picked === name ? null : name; again(); } },
        svg("rect", { ...at, width: size, height: size, fill: energy > 0 ? colour(energy, about.energy) : "none" }),
        svg("title", {}, `${name}: ${energyText(energy)}`));
      if (energy > 0 && size >= 24) cell.append(svg("text", { x: at.x + size / 2, y: at.y + size / 2 + 3, "text-anchor": "middle", class: darkText(energy, about.energy) ? "on-pale" : "on-deep" }, short(energy, 2)));
      chart.append(cell);
    }
    return el("figure", {}, chart, el("figcaption", { class: "small dim" }, `${group.name}, GeV`));
  }))];
}

function waves(host, part, channels) {
  const width = Math.max(260, Math.round(host.clientWidth || 420));
  const chart = frame(host, width, `waveforms of ${part}`);
  const box = { left: 52, right: width - 10, top: 20, bottom: HEIGHT - 34 };
  const known = channels.filter((one) => one.level);
  const last = Math.max(...known.map((one) => one.period * (one.level.length - 1)));
  const levels = known.flatMap((one) => one.level);
  const x = scale(0, last, box.left, box.right), y = scale(Math.min(0, ...levels), Math.max(20, ...levels) * 1.05, box.bottom, box.top);
  x.ticks = ticks(0, last, Math.max(3, Math.round(width / 90)));
  y.ticks = ticks(y.low, y.high, 4);
  axes(chart, box, x, y, { x: "ns", y: "ADC above the pedestal" });
  const order = [...known].reverse();
  for (const one of order) {
    const rank = known.indexOf(one);
    const style = picked ? (one.name === picked ? "s0 wave" : "wave pale") : rank < CURVES ? `s${rank} wave` : "wave pale";
    const path = one.level.map((level, i) => `${i ? "L" : "M"}${x.of(i * one.period)} ${y.of(level)}`).join("");
    chart.append(svg("path", { class: style, d: path }, svg("title", {}, one.name)));
  }
}

function pulses(channels) {
  const shown = channels.filter((one) => !picked || one.name === picked || !channels.some((other) => other.name === picked));
  return el("div", { class: "scroll" }, el("table", { class: "pulses" }, el("tbody", {}, shown.map((one) => el("tr", {},
    el("th", { scope: "row" }, el("span", { class: `dot s${channels.indexOf(one)}${channels.indexOf(one) < CURVES && one.level ? "" : " none"}` }), one.name.replace(/\.0\.0$/, "")),
    el("td", {}, one.pulses.length ? one.pulses.map((pulse) => `${energyText(pulse.energy)} at ${short(pulse.time, 3)} ns${pulse.used ? "" : " (not in the sum)"}`).join("; ") : "no pulse"))))));
}

function strips(host, plane) {
  const width = Math.max(260, Math.round(host.clientWidth || 420));
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${STRIPS}`, role: "img", "aria-label": `strips of ${plane.name}` });
  host.replaceChildren(chart);
  const box = { left: 52, right: width - 10, top: 18, bottom: STRIPS - 18 };
  const heights = plane.strips.map(([, height]) => height);
  const x = scale(plane.ends[0], plane.ends[1], box.left, box.right), y = scale(0, Math.max(10, ...heights) * 1.05, box.bottom, box.top);
  x.ticks = ticks(x.low, x.high, Math.max(3, Math.round(width / 90)));
  y.ticks = plane.strips.length ? ticks(0, y.high, 2) : [];
  axes(chart, box, x, y, { x: "", y: plane.strips.length ? `${plane.name}, ADC` : plane.name });
  const near = (place) => plane.clusters.some((one) => Math.abs(one.position - place) <= (one.size / 2 + 0.5) * plane.pitch);
  for (const inside of [false, true]) {
    const d = plane.strips.filter(([place]) => near(place) === inside).map(([place, height]) => `M${x.of(place)} ${box.bottom}V${y.of(height)}`).join("");
    if (d) chart.append(svg("path", { class: inside ? "strip" : "strip pale", d }));
  }
  for (const [place, time] of plane.wires) {
    chart.append(svg("path", { class: "strip", d: `M${x.of(place)} ${box.bottom}V${box.top + 20}` }, svg("title", {}, `${short(place)} mm at ${time} counts`)));
  }
  for (const place of plane.points) chart.append(svg("circle", { class: "point", cx: x.of(place), cy: box.bottom - 12, r: 3 }, svg("title", {}, `hit at ${short(place)} mm`)));
  for (const one of plane.clusters) {
    const said = `cluster at ${short(one.position)} mm, charge ${short(one.charge, 3)}, ${one.size} strips${one.time === null ? "" : `, ${short(one.time, 3)} ns`}`;
    chart.append(svg("path", { class: "found", d: `M${x.of(one.position)} ${box.top + 8}l-4 -7h8Z` }, svg("title", {}, said)));
  }
}
