// The right side: a picture for each threshold, with the figure of merit against it, and the histograms of the file.

import { ask, by, el, short } from "./base.js";
import { distribution, plane } from "./chart.js";
import { valueNow } from "./state.js";

const MOST_BINS = 70;

/** Return a card of a list, a new one only where there is none of this key. */
function card(host, key, title, said) {
  let found = [...host.children].find((one) => one.dataset.key === key);
  if (!found) {
    found = el("figure", { class: "plot", "data-key": key },
      el("div", { class: "head" }, el("h3", {}), el("span", { class: "extra" })), el("div", { class: "host" }), el("figcaption", { class: "said" }));
    host.append(found);
  }
  found.querySelector("h3").textContent = title;
  if (said !== undefined) found.querySelector(".said").replaceChildren(...[said].flat());
  return found;
}

function prune(host, keys) {
  for (const one of [...host.children]) if (!keys.includes(one.dataset.key)) one.remove();
  keys.forEach((key, i) => {
    const one = [...host.children].find((child) => child.dataset.key === key);
    if (host.children[i] !== one) host.insertBefore(one, host.children[i] ?? null);
  });
}

/** Return the samples of a picture as stacks, lines and points, each with an area of 1 where shapes are compared. */
function layers(about, state, samples, style) {
  const made = { stack: [], lines: [], points: [] };
  for (const { name, role } of about.samples) {
    const found = samples[name];
    if (!found || state.hidden.includes(name)) continue;
    const area = found.values.reduce((sum, value) => sum + (value ?? 0), 0);
    const factor = state.shape ? (area ? 1 / area : 0) : 1;
    const scaled = (values) => values.map((value) => (value ?? 0) * factor);
    const part = { name, style: style(name), values: scaled(found.values), errors: scaled(found.errors ?? []) };
    if (state.shape || role === "signal") made.lines.push(part);
    else if (role === "data") (part.errors.length ? made.points : made.lines).push(part);
    else made.stack.push(part);
  }
  return made;
}

/** Return fewer and wider bins, where there are many. */
function wider(values, by_) {
  const found = [];
  for (let i = 0; i < values.length; i += by_) found.push(values.slice(i, i + by_).reduce((sum, value) => sum + (value ?? 0), 0));
  return found;
}

/** Draw the thresholds. */
export function showGates(about, state, answer, style, turned) {
  const host = by("gates");
  const values = about.parameters.flatMap((parameter) => parameter.values.map((value, at) => ({ parameter, value, at })));
  const keys = [];
  for (const { parameter, value, at } of values) {
    const gate = answer.gates[value.name];
    if (!gate) continue;
    keys.push(value.name);
    const now = valueNow(parameter, at, state, answer);
    const count = Math.round((gate.range.to - gate.range.from) / gate.range.step);
    const group = Math.max(1, Math.ceil(count / MOST_BINS));
    const edges = [];
    for (let i = 0; i < count; i += group) edges.push(gate.range.from + i * gate.range.step);
    edges.push(gate.range.to);
    const samples = Object.fromEntries(Object.entries(gate.samples).map(([name, found]) => [name, { values: wider(found, group) }]));
    const best = gate.merit.map((one) => (one.best === null ? null : el("button", {
      type: "button", class: "plain", onclick: () => turned(parameter.name, at, one.best),
      title: `signal ${short(one.signal)}, background ${short(one.background)}`,
    }, `${gate.merit.length > 1 ? `${one.sample}: ` : ""}best ${short(one.best, 6)} ${value.unit} (${short(one.at_best)})`)));
    const made = card(host, value.name, `${value.name} in ${gate.cut}`, best.length ? best : "no signal, so no figure of merit");
    const ends = gate.range;
    distribution(made.querySelector(".host"), {
      label: `${value.name}: what reaches the cut ${gate.cut}, all other cuts passed`,
      x: `${gate.below ? "below" : "above"} ${value.name}${value.unit ? ` [${value.unit}]` : ""}`,
      y: state.shape ? "share" : "events",
      edges, log: state.log, ...layers(about, state, samples, style),
      marks: [{ name: value.name, value: now, below: gate.below, step: ends.step, moved: (number) => turned(parameter.name, at, number) }],
      right: state.merits ? {
        label: "merit",
        at: gate.merit.length ? gate.merit[0].values.map((_, i) => ends.from + ((ends.to - ends.from) * i) / (gate.merit[0].values.length - 1)) : [],
        curves: gate.merit.map((one) => ({ name: one.sample, style: gate.merit.length > 1 ? style(one.sample) : "", values: one.values, best: one.best, atBest: one.at_best })),
      } : null,
    });
  }
  for (const { parameter, value, at } of values) {
    if (!answer.steps.includes(value.name)) continue;
    const key = `steps ${value.name}`;
    keys.push(key);
    const made = card(host, key, value.name);
    const button = made.querySelector(".extra button") ?? el("button", { type: "button" }, "evaluate");
    button.onclick = async () => {
      button.disabled = true;
      try {
        made.steps = await ask("steps", { ...answer.asked(), knob: value.name });
        made.stale = false;
      } catch (error) {
        made.querySelector(".said").textContent = error.message;
        return;
      } finally {
        button.disabled = false;
      }
      made.classList.remove("empty");
      drawSteps(made, state, parameter, value, at, turned);
    };
    if (!button.parentNode) made.querySelector(".extra").append(button);
    made.classList.toggle("empty", !made.steps);
    if (made.steps) drawSteps(made, state, parameter, value, at, turned);
    else if (!made.querySelector(".said").textContent) {
      made.querySelector(".said").textContent = "No single comparison: each of 25 values is evaluated for itself, when you ask for it.";
    }
    if (made.asked && made.asked !== answer.serial) made.stale = true;
    made.asked = answer.serial;
  }
  prune(host, keys);
  const what = state.shape ? "all have an area of 1" : `events expected per ${about.per}; backgrounds stacked, signals as lines`;
  by("gates-note").textContent = keys.length
    ? `What reaches each threshold after all other cuts, ${what}; the grey part is cut away. Drag the line, or focus it and use the arrow keys. Dashed: ${state.merit}.`
    : "No cut that is switched on depends on a parameter.";
}

function drawSteps(made, state, parameter, value, at, turned) {
  const { range, merit, at: places } = made.steps;
  const width = (range.to - range.from) / (places.length - 1);
  distribution(made.querySelector(".host"), {
    label: `figure of merit against ${value.name}`, x: `${value.name}${value.unit ? ` [${value.unit}]` : ""}`, y: "",
    edges: [range.from, range.to], log: false, stack: [], lines: [], points: [],
    marks: [{ name: value.name, value: state.values[parameter.name][at], step: range.step || width, moved: (number) => turned(parameter.name, at, number) }],
    right: { label: "merit", at: places, curves: merit.map((one) => ({ name: one.sample, style: "", values: one.values, best: one.best, atBest: one.at_best })) },
  });
  const best = merit.map((one) => (one.best === null ? "" : `best ${short(one.best, 6)} ${value.unit} (${short(one.at_best)})`)).join(", ");
  made.querySelector(".said").textContent = best + (made.stale ? " — of an earlier choice: evaluate again" : "");
}

/** Draw the histograms. */
export function showHistograms(about, state, answer, style, turned) {
  const host = by("plots");
  const keys = [];
  for (const one of answer.histograms) {
    const key = `${one.name} ${one.stage}`;
    keys.push(key);
    const made = card(host, key, one.title, `${one.name}, ${one.stage === "all" ? "all events" : one.stage}`);
    const label = `${one.title}, ${one.stage}`;
    if (one.axes.length === 2) {
      drawPlane(made, about, state, one, style, label);
      continue;
    }
    const samples = Object.fromEntries(Object.entries(one.samples).map(([name, found]) => [name, { values: found.sums, errors: found.errors }]));
    distribution(made.querySelector(".host"), {
      label, x: one.axes[0].title, y: state.shape ? "share" : "events", edges: one.axes[0].edges, log: state.log,
      ...layers(about, state, samples, style),
      marks: one.lines.filter((line) => line.value >= one.axes[0].edges[0] && line.value <= one.axes[0].edges.at(-1)).map((line) => ({ ...line, moved: null })),
    });
  }
  prune(host, keys);
  by("histograms").hidden = !keys.length;
}

function drawPlane(made, about, state, one, style, label) {
  const names = about.samples.map((sample) => sample.name).filter((name) => !state.hidden.includes(name));
  const extra = made.querySelector(".extra");
  let select = extra.querySelector("select");
  const chosen = select && names.includes(select.value) ? select.value : names[0];
  if (!select) {
    select = el("select", { "aria-label": `sample shown in ${one.title}` });
    extra.append(select);
  }
  select.replaceChildren(...names.map((name) => el("option", { value: name }, name)));
  if (chosen === undefined) return;
  select.value = chosen;
  const draw = () => plane(made.querySelector(".host"), {
    label: `${label}, ${select.value}`, x: one.axes[0].title, y: one.axes[1].title,
    edges: one.axes.map((axis) => axis.edges), values: one.samples[select.value].sums, style: style(select.value), log: state.log,
  });
  select.onchange = draw;
  draw();
}
