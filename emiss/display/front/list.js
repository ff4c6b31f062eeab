// The left side: which events are wanted, and the list of them, page by page.

import { by, el } from "./base.js";

export const COUNT = 50;

/** Return the state of the filter as the command line gives it. */
export const fresh = (about) => ({ ...about.filter, region: about.filter.region ?? Object.keys(about.regions)[0] ?? null });

/** Build the form; `changed()` is told when something else is wanted. */
export function buildFilter(about, filter, changed) {
  const form = by("filter");
  const regions = Object.keys(about.regions);
  const cuts = filter.region ? about.regions[filter.region] : [];
  const now = filter.passing ? `p ${filter.passing}` : filter.failing ? `f ${filter.failing}` : "";
  const option = (value, text) => el("option", { value, selected: value === now }, text);
  const set = (given) => { Object.assign(filter, given); changed(); };
  form.replaceChildren(...[
    el("h2", {}, "Which events"),
    regions.length > 1 ? el("label", {}, "region", el("select", {
      id: "region", onchange: (event) => { Object.assign(filter, { region: event.target.value, passing: "", failing: "" }); buildFilter(about, filter, changed); changed(); },
    }, regions.map((name) => el("option", { value: name, selected: name === filter.region }, name)))) : null,
    cuts.length ? el("label", {}, "cuts", el("select", {
      id: "cut",
      onchange: (event) => {
        const [kind, name] = [event.target.value.slice(0, 1), event.target.value.slice(2)];
        set({ passing: kind === "p" ? name : "", failing: kind === "f" ? name : "" });
      },
    }, option("", "all events"),
      el("optgroup", { label: "passes up to" }, cuts.map((cut) => option(`p ${cut.name}`, `passes up to ${cut.name}`))),
      el("optgroup", { label: "fails only" }, cuts.map((cut) => option(`f ${cut.name}`, `fails only ${cut.name}`))))) : null,
    el("label", {}, "where", el("input", {
      id: "expression", type: "text", value: filter.expression, spellcheck: "false", maxlength: 5000, placeholder: "ecal.energy > 40 GeV",
      onchange: (event) => set({ expression: event.target.value }),
    })),
    el("label", {}, "events", el("input", {
      id: "events", type: "text", value: filter.events, spellcheck: "false", maxlength: 100000, placeholder: "run/spill/number, ...",
      onchange: (event) => set({ events: event.target.value }),
    })),
    el("p", { id: "wrong", class: "bad", role: "alert", hidden: true }),
  ].filter(Boolean));
  form.onsubmit = (event) => event.preventDefault();
}

/** Say what is wrong with the filter, with the place in its expression; nothing for null. */
export function sayWrong(message) {
  const host = by("wrong");
  host.hidden = message === null;
  host.replaceChildren();
  if (message === null) return;
  const place = /^filter:1:(\d+): /.exec(message);
  host.append(place ? message.replace(/^filter:1:/, "column ") : message);
  if (!place) return;
  const text = by("expression").value, at = Number(place[1]) - 1;
  host.append(el("code", {}, text.slice(0, at), el("mark", {}, text.slice(at, at + 1) || " "), text.slice(at + 1)));
}

/** Show a page of the list. `open(row)` is told of an event, `turn(start)` of another page. */
export function showList(about, state, found, searching, open, turn) {
  const cuts = state.filter.region ? about.regions[state.filter.region] : [];
  const first = found.rows.length ? state.start + 1 : 0, last = state.start + found.rows.length;
  const many = found.done ? `${found.found}` : `at least ${found.found}`;
  const looked = found.share < 1 ? `; ${Math.floor(100 * found.share)} % searched${searching ? " ..." : ""}` : "";
  by("count").textContent = found.rows.length ? `${first} to ${last} of ${many}${looked}` : searching ? `none yet${looked}` : "no event is like this";
  const several = about.files.length > 1;
  by("list").start = first;
  by("list").replaceChildren(...found.rows.map((row) => {
    const now = state.event && state.event.file === row.file && state.event.row === row.row;
    return el("li", {}, el("button", { type: "button", "aria-current": now ? "true" : null, "data-event": `${row.file} ${row.row}`, onclick: () => open(row) },
      el("b", {}, row.name),
      several ? el("span", { class: "dim" }, about.files[row.file].sample) : null,
      cuts.length ? el("span", { class: row.failed < 0 ? "passes" : "dim" }, row.failed < 0 ? "passes" : cuts[row.failed].name) : null));
  }));
  by("list").querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  by("pager").replaceChildren(
    el("button", { type: "button", disabled: state.start === 0, onclick: () => turn(Math.max(0, state.start - COUNT)) }, "← page"),
    el("button", { type: "button", disabled: found.rows.length < COUNT || (found.done && last >= found.found), onclick: () => turn(state.start + COUNT) }, "page →"));
}
