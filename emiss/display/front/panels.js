// What stands beside the drawing: energies of the parts, the cuts, truth beside reconstruction, and all columns.

import { by, el, short } from "./base.js";
import { colour, energyText } from "./ramp.js";

const swatch = (energy, most) => {
  const box = el("canvas", { class: "swatch", width: 12, height: 12, "aria-hidden": "true" });
  if (energy > 0) {
    const pen = box.getContext("2d");
    pen.fillStyle = colour(energy, most);
    pen.fillRect(0, 0, 12, 12);
  }
  return box;
};

/** Show the energies; `chosen(part)` is told of a part, `near(part)` of one that is to be zoomed to. */
export function showEnergies(about, event, part, chosen, near) {
  const rows = event.parts.flatMap((one) => one.elements.map(([name, energy, time], at) => el("tr", { class: one.part === part ? "chosen" : "" },
    el("th", { scope: "row" }, at === 0 || name !== one.part
      ? el("button", { type: "button", class: "plain", "data-show": one.part, onclick: () => chosen(one.part), title: `signals of ${one.part}` }, name) : name),
    el("td", {}, swatch(energy, about.energy), energyText(energy)),
    el("td", {}, time === null ? "" : `${short(time, 3)} ns`),
    el("td", {}, at === 0 ? el("button", { type: "button", class: "plain", "aria-label": `zoom to ${one.part}`, title: `zoom to ${one.part}`, onclick: () => near(one.part) }, "zoom") : null))));
  const trackers = [...new Set(about.setup.planes.map((plane) => plane.part))].map((name) => {
    const many = event.clusters.filter(([plane]) => about.setup.planes[plane].part === name).length;
    return el("tr", { class: name === part ? "chosen" : "" },
      el("th", { scope: "row" }, el("button", { type: "button", class: "plain", "data-show": name, onclick: () => chosen(name), title: `signals of ${name}` }, name)),
      el("td", {}, event.tier === "table" ? "" : `${many} clusters`), el("td", {}),
      el("td", {}, el("button", { type: "button", class: "plain", "aria-label": `zoom to ${name}`, title: `zoom to ${name}`, onclick: () => near(name) }, "zoom")));
  });
  const tracks = event.tracks.map((path) => el("tr", {}, el("th", { scope: "row" }, path.arm), el("td", {}, path.said), el("td", {}), el("td", {})));
  by("energies").replaceChildren(el("table", {}, el("tbody", {}, rows, trackers, tracks)));
}

/** Show what each cut says. */
export function showCuts(cuts, event) {
  by("cuts-section").hidden = !cuts.length;
  by("cuts").replaceChildren(...cuts.map((cut, at) => el("li", { class: `${event.cuts[at]}${at === event.failed ? " first" : ""}` },
    el("b", {}, cut.name), el("span", {}, event.cuts[at]), el("code", {}, cut.require))));
}

/** Show the truth, and beside it what was reconstructed. */
export function showTruth(event) {
  by("truth-section").hidden = !event.compared.length;
  const unit = (text) => (text === "1" ? "" : ` ${text}`);
  by("truth").replaceChildren(el("table", {},
    el("thead", {}, el("tr", {}, ["", "true", "reconstructed", "difference"].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, [...event.compared].sort((a, b) => Number(!a.what) - Number(!b.what)).map((one) => el("tr", {},
      el("th", { scope: "row", title: one.meaning }, one.name.replace("truth.", "")),
      el("td", {}, short(one.truth, 5) + unit(one.unit)),
      el("td", {}, one.what ? [short(one.value, 5) + unit(one.unit), el("small", {}, one.what)] : ""),
      el("td", {}, one.value === null || one.truth === null ? "" : short(one.value - one.truth, 3)))))));
}

/** Show all columns of the table, folded by collection. */
export function showValues(event) {
  const open = new Set([...by("values").querySelectorAll("details[open]")].map((one) => one.dataset.name));
  by("values").replaceChildren(...event.values.map((group) => el("details", { "data-name": group.collection, open: open.has(group.collection) },
    el("summary", {}, group.collection),
    el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, group.rows.map((row) => el("tr", {},
      el("th", { scope: "row" }, row.name),
      el("td", {}, valueText(row)),
      el("td", { class: "dim" }, row.unit === "1" ? "" : row.unit),
      el("td", { class: "dim wide" }, row.meaning)))))))));
}

function valueText(row) {
  const texts = row.values.map((value, i) => (row.elements[i] ? `${row.elements[i]} ` : "") + (Number.isInteger(value) ? String(value) : short(value, 5)));
  return (texts.length ? texts.join(", ") : "none") + (row.more ? ` and ${row.more} more` : "");
}
