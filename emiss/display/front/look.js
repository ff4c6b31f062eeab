// The page of emiss look: an event is chosen in a list, and seen in its set-up. What is chosen stays in the address, behind the '#'.

import { ask, by, el, later } from "./base.js";
import { COUNT, buildFilter, fresh, sayWrong, showList } from "./list.js";
import { showCuts, showEnergies, showTruth, showValues } from "./panels.js";
import { ENDS, colour, energyText, schemeChanged } from "./ramp.js";
import { showSignals } from "./signals.js";
import { Stage, tools } from "./view.js";

let about, state, stage, found, shown, signals;
let searching = 0, opening = 0;

function say(text, bad = false) {
  by("status").textContent = text;
  by("status").classList.toggle("bad", bad);
  if (bad) by("status").setAttribute("role", "alert"); else by("status").removeAttribute("role");
}

const keep = later(() => history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(state))}`), 150);

/** Return the state in the address, as far as it fits. */
function kept() {
  const made = { filter: fresh(about), start: 0, event: null, part: null };
  let given;
  try { given = JSON.parse(decodeURIComponent(location.hash.slice(1))); } catch { return made; }
  if (!given || typeof given !== "object") return made;
  for (const key of ["passing", "failing", "expression", "events"]) if (typeof given.filter?.[key] === "string") made.filter[key] = given.filter[key];
  if (Object.hasOwn(about.regions, given.filter?.region ?? "")) made.filter.region = given.filter.region;
  const names = (made.filter.region ? about.regions[made.filter.region] : []).map((cut) => cut.name);
  for (const key of ["passing", "failing"]) if (!names.includes(made.filter[key])) made.filter[key] = "";
  if (Number.isSafeInteger(given.start) && given.start >= 0) made.start = given.start;
  if (Number.isSafeInteger(given.event?.file) && Number.isSafeInteger(given.event?.row)) made.event = { file: given.event.file, row: given.event.row };
  if (typeof given.part === "string") made.part = given.part;
  return made;
}

/** Leave a note in the page of what it shows, for those who test it. */
function told() {
  document.body.dataset.shown = shown ? shown.name : "";
  document.body.dataset.found = found ? found.found : "";
}

/** Ask for a page of the list until it is full or all is searched; the last question counts. */
async function refresh(then = null) {
  const mine = ++searching;
  keep();
  document.body.dataset.busy = "";
  try {
    do {
      const answer = await ask("list", { filter: state.filter, start: state.start, count: COUNT });
      if (mine !== searching) return;
      found = answer;
      sayWrong(null);
      if (!(found.done || found.enough)) list(true);
    } while (!(found.done || found.enough));
    if (!found.rows.length && state.start) { state.start = 0; await refresh(then); return; }
    list(false);
    const rows = found.rows;
    const next = then === "last" ? rows.at(-1) : then === "first" || !state.event ? rows[0] : null;
    if (next) await open(next);
  } catch (error) {
    if (mine !== searching) return;
    sayWrong(error.message);
    say(error.message.includes("does not answer") ? error.message : "", true);
  }
  if (mine === searching) delete document.body.dataset.busy;
  told();
}

function list(busy) {
  showList(about, state, found, busy, open, (start) => { state.start = start; refresh(); });
}

/** Show an event. */
async function open(row) {
  const mine = ++opening;
  state.event = { file: row.file, row: row.row };
  keep();
  const slow = setTimeout(() => say("reading ..."), 200);
  try {
    const event = await ask("event", { ...state.event, region: state.filter.region });
    if (mine !== opening) return;
    shown = event;
    signals = null;
    clearTimeout(slow);
    say("");
    by("remark").replaceChildren(...(event.lacking ? [el("p", { class: "warn small" }, `Only what the table has, without waveforms and clusters: ${event.lacking}`)] : []));
    head();
    stage.show(event, state.part);
    legend();
    panels();
    await measured();
  } catch (error) {
    if (mine !== opening) return;
    say(error.message, true);
  } finally {
    clearTimeout(slow);
  }
  if (found) list(false);
  told();
}

/** Ask what the chosen part has measured. */
async function measured() {
  const mine = opening;
  if (!shown || !state.part) return;
  const part = state.part;
  let answer;
  try { answer = await ask("signals", { ...state.event, part }); } catch (error) { answer = { error: error.message }; }
  if (mine !== opening || part !== state.part) return;
  signals = answer;
  showSignals(about, shown, part, signals);
}

function panels() {
  showEnergies(about, shown, state.part, choose, near);
  showCuts(state.filter.region ? about.regions[state.filter.region] : [], shown);
  showTruth(shown);
  showValues(shown);
}

function choose(part) {
  state.part = part;
  keep();
  if (!shown) return;
  const focus = document.activeElement?.dataset?.show;
  stage.show(shown, part);
  showEnergies(about, shown, part, choose, near);
  if (focus !== undefined) [...document.querySelectorAll("[data-show]")].find((one) => one.dataset.show === focus)?.focus();
  measured();
}

function near(part) {
  const ends = about.setup.shapes.filter((shape) => shape.part === part).map((shape) => shape.ends);
  stage.see(Math.min(...ends.map((one) => one[0])), Math.max(...ends.map((one) => one[1])));
  choose(part);
}

function head() {
  const { run, spill, number } = shown.numbers;
  by("event-title").textContent = `Run ${run}, spill ${spill}, event ${number}`;
  const cuts = state.filter.region ? about.regions[state.filter.region] : [];
  by("verdict").textContent = !cuts.length ? "" : shown.failed < 0 ? "passes all cuts" : `fails ${cuts[shown.failed].name}`;
  by("verdict").className = shown.failed < 0 ? "passes" : "fails";
  const file = about.files[shown.file];
  const bits = (name, text) => (shown.bits[name]?.length ? [`${text} ${shown.bits[name].join(", ")}`] : []);
  by("facts").textContent = [file.sample, file.path, ...bits("event.trigger", "trigger"), ...bits("event.quality", "quality:")].join(" · ");
  document.title = `${shown.name} – emiss look`;
}

/** Go to the next event or the one before, over the ends of a page. */
function go(step) {
  if (!found) return;
  const at = found.rows.findIndex((row) => state.event && row.file === state.event.file && row.row === state.event.row);
  const next = at < 0 ? 0 : at + step;
  if (next >= 0 && next < found.rows.length) { open(found.rows[next]); return; }
  if (next < 0 && state.start > 0) { state.start = Math.max(0, state.start - COUNT); refresh("last"); }
  if (next >= found.rows.length && found.rows.length === COUNT && !(found.done && state.start + COUNT >= found.found)) { state.start += COUNT; refresh("first"); }
}

async function picture(kind) {
  if (!shown) return;
  try {
    say("drawing ...");
    const made = await ask("picture", { ...state.event, region: state.filter.region, kind, within: stage.within() });
    const bytes = Uint8Array.from(atob(made.content), (letter) => letter.charCodeAt(0));
    const address = URL.createObjectURL(new Blob([bytes], { type: made.type }));
    el("a", { href: address, download: made.name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
    say(made.path ? `written: ${made.path}` : `${made.name} is among your downloads`);
  } catch (error) {
    say(error.message, true);
  }
}

function legend() {
  const most = about.energy, ends = ENDS(most);
  const bar = el("canvas", { width: 120, height: 10, "aria-hidden": "true" });
  const pen = bar.getContext("2d");
  for (let i = 0; i < 120; i++) {
    pen.fillStyle = colour(ends[0] * (ends[1] / ends[0]) ** (i / 119), most);
    pen.fillRect(i, 0, 1, 10);
  }
  by("legend").replaceChildren(
    el("span", { class: "key" }, energyText(ends[0]), bar, energyText(ends[1])),
    ...[["track", shown?.tracks.length], ["cluster", shown?.clusters.length], ["true", shown?.truth.length], ["beam", true]]
      .filter(([, there]) => there).map(([name]) => el("span", { class: `key ${name}` }, name === "true" ? "truth" : name)), el("span", { id: "scale", class: "dim" }, stage ? stage.said() : ""));
}

function keys(event) {
  const typing = event.target.closest?.("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { n: 1, j: 1, ArrowRight: 1, p: -1, k: -1, ArrowLeft: -1 }[event.key];
  if (step) { event.preventDefault(); go(step); }
}

async function begin() {
  try { about = await ask("describe"); } catch (error) { say(error.message, true); return; }
  state = kept();
  state.part ??= Object.keys(about.setup.grids)[0] ?? about.setup.channels[0]?.[1] ?? null;
  by("title").textContent = `${about.setup.name}${about.analysis ? `, ${about.analysis}` : ""}`;
  const button = (text, label, work) => el("button", { type: "button", title: label, "aria-label": label, onclick: work }, text);
  by("going").replaceChildren(button("← previous", "previous event (p)", () => go(-1)), button("next →", "next event (n)", () => go(1)));
  by("saving").replaceChildren(button("SVG", "picture as SVG", () => picture("svg")), button("PDF", "picture as PDF", () => picture("pdf")), button("Print", "print this event", () => window.print()));
  stage = new Stage(about, choose, () => { const place = by("scale"); if (place) place.textContent = stage.said(); });
  by("tools").replaceChildren(...tools(stage));
  legend();
  buildFilter(about, state.filter, () => { state.start = 0; refresh("first"); });
  schemeChanged(() => { legend(); stage.draw(); if (shown) panels(); if (signals) showSignals(about, shown, state.part, signals); });
  new ResizeObserver(later(() => { if (signals) showSignals(about, shown, state.part, signals); }, 150)).observe(by("measured"));
  document.addEventListener("keydown", keys);
  const before = state.event ? open(state.event) : null;
  await refresh();
  await before;
  document.body.dataset.ready = "";
}

begin();
