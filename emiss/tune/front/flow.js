// The cutflow of all samples as a table, and what is left as one line.

import { by, el } from "./base.js";

export const COLUMNS = [
  ["expected", "expected"], ["n", "events"], ["n1", "N-1"], ["only", "only failed"], ["alone", "alone"],
];

const MEANT = {
  expected: "Events expected per {per} particles on target, cut after cut; below them the efficiency of all cuts so far.",
  n: "Simulated or recorded events that are left, cut after cut; below them the efficiency of this cut.",
  n1: "Events that pass all other cuts (sums of weights).",
  only: "Events that pass all other cuts and fail this one (sums of weights).",
  alone: "Events that pass this cut, whatever the others say (sums of weights).",
};

const DECADES = 5;

/** Return the counts of the samples that are shown, in the order of all of them. */
function shownOf(about, state, answer) {
  const found = about.samples.map(({ name }) => answer.cutflow.find((sample) => sample.name === name));
  return found.filter((sample) => !state.hidden.includes(sample.name));
}

/** Show the cutflow. */
export function showFlow(about, state, answer, style) {
  const shown = shownOf(about, state, answer);
  const info = Object.fromEntries(about.samples.map((sample) => [sample.name, sample]));
  const column = state.column;
  const cell = (sample, row) => {
    const text = column === "expected" && row.expected === "-" ? row.passed : row[column];
    const below = column === "expected" ? row.total : column === "n" ? row.relative : "";
    const undefined_ = column === "n" && row.undefined ? `${row.undefined} undefined` : "";
    const share = el("span", { class: "share" });
    share.style.width = `${100 * Math.max(0, 1 + Math.log10(Math.max(row.share, 1e-9)) / DECADES)}%`;
    const kind = ["expected", "n"].includes(column);
    return el("td", { class: style(sample.name) }, text || "–", kind ? share : null, el("small", {}, below), undefined_ ? el("small", { class: "warn" }, undefined_) : null);
  };
  const rows = shown.length ? shown[0].rows : [];
  const body = rows.map((row, i) => el("tr", { class: i && i === rows.length - 1 && ["expected", "n"].includes(column) ? "last" : "" },
    el("th", { scope: "row", title: row.require }, row.cut === "all" ? "all events" : row.cut),
    ...shown.map((sample) => cell(sample, sample.rows[i]))));
  if (["expected", "n"].includes(column)) {
    body.push(el("tr", { class: "was" }, el("th", { scope: "row" }, "as the file has it"),
      ...shown.map((sample) => el("td", {}, column === "expected" && sample.was.expected !== "-" ? sample.was.expected : sample.was.passed))));
  }
  const table = el("table", {},
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "cut"), ...shown.map((sample) => el("th", { scope: "col", class: style(sample.name) },
      el("span", {}, sample.name), " ", el("small", { class: "role" }, `${info[sample.name].role}${info[sample.name].hidden ? ", blinded" : ""}`))))),
    el("tbody", {}, body));
  const host = by("flow"), at = host.scrollLeft;
  host.replaceChildren(table);
  host.scrollLeft = at;
  const unknown = about.samples.filter((sample) => !sample.known && shown.some((one) => one.name === sample.name));
  const lacks = column === "expected" && unknown.length ? ` ${unknown.map((s) => s.name).join(", ")}: sums of weights, as nothing says what they stand for.` : "";
  const hidden = about.samples.some((sample) => sample.hidden) ? " Blinded samples: only events outside the box are here." : "";
  by("flow-note").textContent = MEANT[column].replace("{per}", about.per) + lacks + hidden;
}

/** Show what is left of all samples. */
export function showLeft(about, state, answer, style) {
  const shown = shownOf(about, state, answer);
  by("left").replaceChildren(...shown.map((sample) => {
    const last = sample.rows[sample.rows.length - 1];
    return el("span", { class: style(sample.name) }, `${sample.name} `, el("b", {}, last.expected === "-" ? last.passed : last.expected));
  }));
}

/** Show the limit of a choice. */
export function showLimit(about, found, wrong) {
  const host = by("limit");
  if (!about.limit) return;
  const title = `Limit on the coupling for ${about.limit.on_target} electrons on target, 90 % CL`;
  if (wrong) {
    host.replaceChildren(el("h3", {}, title), el("p", { class: "warn" }, wrong));
    return;
  }
  host.replaceChildren(
    el("h3", {}, title),
    el("table", {},
      el("thead", {}, el("tr", { class: "dim small" }, ["mass [GeV]", "median expected", "68 %"].map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, found.points.map((point) => el("tr", {}, el("td", {}, point.mass), el("td", {}, el("b", {}, point.median)), el("td", {}, `${point.low} to ${point.high}`))))),
    el("p", { class: "dim small" }, `background: ${found.background} events, ${found.source}`),
    ...found.notes.map((note) => el("p", { class: "warn small" }, note)));
}

