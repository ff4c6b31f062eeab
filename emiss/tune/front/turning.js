// The left side: parameters as sliders with numbers, and the cuts, which are switched and moved.

import { by, el, short } from "./base.js";
import { valueNow } from "./state.js";

/** Return the range of a slider now: that of the file, or the user's, and as far as the value needs. */
export function rangeOf(value, state) {
  const range = value.range;
  if (!range) return null;
  const own = state.ranges[value.name];
  return own ? { from: own.start, to: own.stop, step: range.step } : range;
}

/** Build the parameters. `turned(name, at, number)` and `ranged(label, start, stop)` are told of changes. */
export function buildKnobs(about, turned, ranged, back) {
  const host = by("knobs");
  host.replaceChildren();
  if (!about.parameters.length) host.append(el("p", { class: "dim" }, "The analysis has no parameters; name a number to turn it."));
  for (const parameter of about.parameters) {
    parameter.values.forEach((value, at) => {
      const id = `knob-${parameter.name}-${at}`;
      const locked = parameter.locked || !value.range;
      const set = (event) => {
        const number = event.target.valueAsNumber;
        if (Number.isFinite(number)) turned(parameter.name, at, number);
      };
      const number = el("input", { id, class: "value", type: "number", step: "any", disabled: locked, onchange: set, "data-value": value.name });
      number.addEventListener("keydown", (event) => { if (event.key === "Enter") set(event); });
      number.addEventListener("blur", () => { if (!Number.isFinite(number.valueAsNumber)) number.value = number.dataset.now; });
      const rows = [
        el("div", { class: "name" },
          el("label", { for: id }, value.name),
          el("button", { class: "plain back", type: "button", "aria-label": `${value.name}: back to ${short(value.value, 6)} ${value.unit}`, title: `back to ${short(value.value, 6)} ${value.unit}`, onclick: () => back(parameter.name, at) }, "↺"),
          number,
          el("span", { class: "unit" }, value.unit)),
      ];
      if (!locked) {
        const end = (which) => el("input", {
          type: "number", step: "any", "data-end": `${value.name} ${which}`, "aria-label": `${value.name}, slider ${which}`,
          onchange: () => {
            const ends = ["from", "to"].map((name) => host.querySelector(`[data-end="${CSS.escape(`${value.name} ${name}`)}"]`).valueAsNumber);
            if (ends[0] < ends[1]) ranged(value.name, ends[0], ends[1]);
          },
        });
        const slider = el("input", { type: "range", "data-slider": value.name, "aria-label": `${value.name} ${value.unit}`, oninput: set });
        rows.push(el("div", { class: "ends" }, end("from"), slider, end("to")));
      }
      if (at === parameter.values.length - 1) {
        const from = parameter.from.length ? `computed from ${parameter.from.join(", ")}. ` : "";
        const why = parameter.locked ? `Locked: ${parameter.locked}. ` : "";
        if (why || from || parameter.comment) rows.push(el("p", { class: "about" }, why + from + parameter.comment));
      }
      host.append(el("div", { class: "knob", "data-knob": value.name }, rows));
    });
  }
}

/** Show the values of a state; the one that is being typed is left alone. */
export function showKnobs(about, state, answer) {
  for (const parameter of about.parameters) {
    parameter.values.forEach((value, at) => {
      const now = valueNow(parameter, at, state, answer);
      const host = document.querySelector(`[data-knob="${CSS.escape(value.name)}"]`);
      host.classList.toggle("changed", now !== value.value);
      host.classList.toggle("idle", Boolean(answer?.idle.includes(value.name)));
      const number = host.querySelector(".value");
      number.dataset.now = now;
      if (number !== document.activeElement) number.value = now;
      const slider = host.querySelector("[type=range]");
      if (!slider) return;
      const range = rangeOf(value, state);
      const [low, high] = [Math.min(range.from, now), Math.max(range.to, now)];
      slider.min = low;
      slider.max = high;
      slider.step = range.step / 2;
      if (slider.valueAsNumber !== now) slider.value = now;
      slider.setAttribute("aria-valuetext", `${short(now, 6)} ${value.unit}`);
      const ends = host.querySelectorAll(".ends [type=number]");
      [low, high].forEach((end, i) => { if (ends[i] !== document.activeElement) ends[i].value = end; });
    });
  }
}

/** Show the cuts of the region. `changed(cuts, focus)` is told of the new list, and of what is to have the focus then. */
export function showCuts(about, state, changed) {
  const host = by("cuts");
  const said = Object.fromEntries(about.cuts[state.region].map((cut) => [cut.name, cut.require]));
  const cuts = state.cuts[state.region];
  by("cuts-title").textContent = about.regions.length > 1 ? `Cuts of ${state.region}` : "Cuts";
  const moved = (at, by_) => {
    const next = cuts.slice();
    next.splice(at + by_, 0, ...next.splice(at, 1));
    changed(next, `${cuts[at].name} ${by_ < 0 ? "up" : "down"}`);
  };
  host.replaceChildren(...cuts.map((cut, at) => {
    const id = `cut-${at}`;
    const button = (by_, text, name) => el("button", {
      type: "button", disabled: at + by_ < 0 || at + by_ >= cuts.length, onclick: () => moved(at, by_),
      "aria-label": `move ${cut.name} ${name}`, "data-focus": `${cut.name} ${name}`,
    }, text);
    return el("li", { class: cut.on ? "" : "off", "data-cut": cut.name },
      el("input", {
        type: "checkbox", id, checked: cut.on, "data-focus": `${cut.name} on`,
        onchange: (event) => changed(cuts.map((one, i) => (i === at ? { ...one, on: event.target.checked } : one)), `${cut.name} on`),
      }),
      el("label", { for: id }, cut.name),
      el("span", { class: "move" }, button(-1, "↑", "up"), button(1, "↓", "down")),
      el("code", {}, said[cut.name]));
  }));
}
