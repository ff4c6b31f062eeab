// The page of emiss tune: a choice is made, the server is asked, and what it says is shown. One question is on its way at a
// time, and the next one is that of the latest choice: a slider that moves leaves no queue behind it.

import { ask, by, el, later } from "./base.js";
import { COLUMNS, showFlow, showLeft, showLimit } from "./flow.js";
import { showGates, showHistograms } from "./plots.js";
import { fresh, keep, kept, question } from "./state.js";
import { buildKnobs, showCuts, showKnobs } from "./turning.js";

let about, state, answer;
let busy = false, wanted = false, serial = 0;

const style = (name) => `s${Math.max(0, order().indexOf(name)) % 8}`;
const order = () => about.samples.map((sample) => sample.name);

function say(text, bad = false) {
  by("status").textContent = text;
  by("status").classList.toggle("bad", bad);
  // times are for the eye alone
  if (bad) by("status").setAttribute("role", "alert"); else by("status").removeAttribute("role");
}

/** Leave a note of the answer in the page, for those who measure and test it. */
function told(note) {
  document.body.dataset.answer = JSON.stringify(note);
  document.body.dataset.serial = serial;
}

async function refresh() {
  wanted = true;
  keepSoon();
  if (busy) return;
  busy = true;
  document.body.dataset.busy = "";
  while (wanted) {
    wanted = false;
    const begun = performance.now(), asked = question(about, state);
    try {
      const found = await ask("answer", asked);
      answer = { ...found, serial: ++serial, asked: () => question(about, state) };
      if (!wanted) showAll(); else { showKnobs(about, state, answer); showLeft(about, state, answer, style); showFlow(about, state, answer, style); }
      const took = performance.now() - begun;
      say(`${took.toFixed(0)} ms`);
      told({ took, asked });
      limitSoon();
    } catch (error) {
      say(error.message, true);
      serial++;
      told({ error: error.message, asked });
    }
  }
  busy = false;
  delete document.body.dataset.busy;
}

const keepSoon = later(() => keep(state), 150);

const limitSoon = later(async () => {
  if (!about.limit) return;
  try {
    showLimit(about, await ask("limit", question(about, state)));
  } catch (error) {
    showLimit(about, null, error.message);
  }
}, 250);

function showAll() {
  showKnobs(about, state, answer);
  showFlow(about, state, answer, style);
  showLeft(about, state, answer, style);
  focusKept(() => {
    showGates(about, state, answer, style, turned);
    showHistograms(about, state, answer, style, turned);
  });
}

/** Draw anew; a threshold that had the focus has it again. */
function focusKept(draw) {
  const at = document.activeElement?.dataset?.mark;
  const card = document.activeElement?.closest?.(".plot")?.dataset.key;
  draw();
  if (at === undefined) return;
  for (const one of document.querySelectorAll(".plot")) {
    if (one.dataset.key === card) [...one.querySelectorAll("[data-mark]")].find((mark) => mark.dataset.mark === at)?.focus({ preventScroll: true });
  }
}

function turned(name, at, number) {
  const parameter = about.parameters.find((one) => one.name === name);
  if (parameter.from.length && answer) {
    // what was computed from others begins from where these have it
    const there = parameter.values.map((value) => answer.values[value.name]);
    state.values[name] = there;
  }
  state.values[name] = state.values[name].map((value, i) => (i === at ? number : value));
  showKnobs(about, state, null);
  refresh();
}

function showChoices() {
  const select = (id, label, names, value, changed) => (names.length < 2 ? null : el("label", {}, label,
    el("select", { id, onchange: (event) => changed(event.target.value) }, names.map((name) => el("option", { value: name, selected: name === value }, name)))));
  by("choices").replaceChildren(...[
    select("region", "region", about.regions, state.region, (name) => { state.region = name; cutsChanged(); }),
    select("weight", "weight", about.weights, state.weight, (name) => { state.weight = name; refresh(); }),
    el("label", {}, "figure of merit", el("input", {
      id: "merit", type: "text", value: state.merit, spellcheck: "false", maxlength: 2000,
      onchange: (event) => { state.merit = event.target.value || about.merit; event.target.value = state.merit; refresh(); },
    })),
    el("button", { type: "button", id: "reset", onclick: reset }, "Reset"),
    el("button", { type: "button", id: "save", class: "main", onclick: save }, "Save …"),
  ].filter(Boolean));
  by("legend").replaceChildren(...order().map((name) => {
    const sample = about.samples.find((one) => one.name === name);
    return el("button", {
      type: "button", class: `${style(name)} ${sample.role}`, "aria-pressed": String(!state.hidden.includes(name)), title: `show or hide ${name}`,
      onclick: () => {
        state.hidden = state.hidden.includes(name) ? state.hidden.filter((one) => one !== name) : [...state.hidden, name];
        showChoices();
        keepSoon();
        showAll();
      },
    }, name);
  }));
  const pressed = (name, text, on, changed) => el("button", { type: "button", "data-tab": name, "aria-pressed": String(on), onclick: () => { changed(); showChoices(); keepSoon(); showAll(); } }, text);
  by("columns").replaceChildren(...COLUMNS.map(([name, text]) => pressed(name, text, state.column === name, () => { state.column = name; })));
  by("scales").replaceChildren(
    pressed("log", "log", state.log, () => { state.log = !state.log; }),
    pressed("shape", "shapes", state.shape, () => { state.shape = !state.shape; }),
    pressed("merits", "merit", state.merits, () => { state.merits = !state.merits; }));
}

function cutsChanged(focus) {
  showCuts(about, state, (cuts, then) => { state.cuts[state.region] = cuts; cutsChanged(then); });
  if (focus) {
    const places = [...by("cuts").querySelectorAll("[data-focus]")];
    const wanted_ = places.find((one) => one.dataset.focus === focus);
    (wanted_ && !wanted_.disabled ? wanted_ : places.find((one) => one.dataset.focus === focus.replace(/(up|down)$/, "on")))?.focus();
  }
  refresh();
}

function reset() {
  const { hidden, column, shape, log, merits } = state;
  state = { ...fresh(about), hidden, column, shape, log, merits };
  showChoices();
  cutsChanged();
}

async function save() {
  const dialog = by("saved");
  const close = el("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const copy = (text) => el("button", {
    type: "button", onclick: async (event) => {
      const button = event.target;
      try { await navigator.clipboard.writeText(text); button.textContent = "copied"; } catch { button.textContent = "select it, and copy"; }
    },
  }, "Copy");
  const command = answer ? [
    el("h3", {}, "As a command"), el("pre", {}, answer.command.text), copy(answer.command.text),
    answer.command.whole ? null : el("p", { class: "warn small" }, "Cuts that are switched off or moved are not in it: a file says them."),
  ] : [];
  const shown = (...inside) => {
    dialog.replaceChildren(el("h2", { id: "saved-title" }, about.out ? `Save to ${about.out}` : "The analysis as it is now"), ...inside.flat().filter(Boolean), el("div", { class: "bar" }, close));
    if (!dialog.open) dialog.showModal();
  };
  const written = async () => {
    try {
      const found = await ask("save", question(about, state));
      shown(
        found.path ? el("p", { id: "written" }, `written: ${found.path}`) : el("p", { class: "dim small" }, "Begin with --out FOLDER to have it written; here it is to be copied."),
        el("pre", { id: "text" }, found.text), copy(found.text), command);
    } catch (error) {
      shown(el("p", { class: "warn" }, error.message), command);
    }
  };
  if (about.out) shown(el("p", {}, "A new file, with the comments of the one that it is made from."), el("button", { type: "button", class: "main", id: "write", onclick: written }, "Write the YAML file"), command);
  else await written();
}

async function begin() {
  try {
    about = await ask("describe");
  } catch (error) {
    say(error.message, true);
    return;
  }
  const rank = { signal: 0, background: 1, data: 2 };
  about.samples.sort((a, b) => rank[a.role] - rank[b.role]);
  state = kept(about);
  document.title = `${about.analysis} – emiss tune`;
  by("title").textContent = about.analysis;
  by("remarks").replaceChildren(...about.remarks.map((text) => el("p", { class: "warn small" }, text)));
  const ranged = (label, start, stop) => { state.ranges[label] = { start, stop }; showKnobs(about, state, answer); refresh(); };
  const back = (name, at) => {
    const there = about.parameters.find((one) => one.name === name).values;
    state.values[name] = state.values[name].map((value, i) => (i === at ? there[i].value : value));
    showKnobs(about, state, null);
    refresh();
  };
  buildKnobs(about, turned, ranged, back);
  showKnobs(about, state, null);
  showChoices();
  cutsChanged();
  new ResizeObserver(later(() => { if (answer) showAll(); }, 100)).observe(by("gates"));
  matchMedia("print").addEventListener("change", () => { if (answer) showAll(); });
}

begin();
