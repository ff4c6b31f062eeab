// The page of emiss monitor: asks for news, and shows what is new.

import { ask, by, el, later, short } from "./base.js";
import { series } from "./trend.js";

const PAUSE = 700, ODD = 12;

let news = null;

const TRENDS = [
  ["events", (one) => one["spill.events"], (v) => short(v, 6)],
  ["events per second", (one) => one["spill.rate"], (v) => short(v, 4), 0, "times of events are whole seconds: not of less than two"],
  ["lost, missing or hurt", (one) => one["ledger.bad_or_hurt"], percent],
  ["saturated events", (one) => one["spill.saturated"], percent],
  ["largest pedestal shift [ADC]", (one) => one["worst.pedestal"]?.value ?? null, (v, one) => `${short(v, 3)} ADC, ${one["worst.pedestal"].channel}`],
  ["gain that is furthest off", (one) => one["worst.gain"]?.value ?? null, (v, one) => `${short(v, 3)}, ${one["worst.gain"].channel}`, 1],
];

function percent(value) {
  return value === null ? "–" : `${short(100 * value, 3)} %`;
}

const name = (one) => `${one.run}/${one.spill}${one.late ? "+" : ""}`;

function figure(host, title, said, spec) {
  const room = el("div", {});
  const card = el("figure", { class: "plot" }, el("figcaption", {}, title), room, el("p", { class: "said" }, said));
  host.append(card);
  if (spec.values.some((value) => value !== null)) series(room, { label: title, ...spec });
  else {
    card.classList.add("empty");
    room.append(el("p", { class: "dim small" }, "nothing to be told yet"));
  }
}

function table(heads, rows) {
  const head = (text) => el("th", { scope: "col", class: typeof text === "string" ? "" : "text" }, [text].flat());
  return el("table", {}, el("thead", {}, el("tr", {}, heads.map(head))), el("tbody", {}, rows.map((row) => el("tr", {},
    row.map((cell, i) => (i ? el("td", { class: Array.isArray(heads[i]) ? "text" : "" }, cell) : el("th", { scope: "row" }, cell)))))));
}

function showVerdict() {
  const last = news.spills[news.spills.length - 1], host = by("verdict");
  const now = last ? news.alarms.filter((one) => one.run === last.run && one.spill === last.spill) : [];
  const behind = news.alarms[news.alarms.length - 1];
  const more = behind && (!last || behind.time > last.time) && !now.includes(behind) ? [behind] : [];
  const all = [...now, ...more];
  host.className = all.length ? "bad" : last ? "good" : "none";
  const head = !last ? "No spill yet" : `Run ${last.run}, spill ${last.spill}: ${all.length ? `${all.length} alarm${all.length > 1 ? "s" : ""}` : "no alarm"}`;
  host.replaceChildren(el("strong", {}, head), all.length ? el("ul", {}, all.map((one) => el("li", {}, one.said))) : "");
  document.title = `${all.length ? `(${all.length}) ` : ""}${last ? `${last.run}/${last.spill}` : "emiss"} – emiss monitor`;
  by("title").textContent = news.path.split("/").pop() || news.path;
  by("title").title = news.path;
}

function showTotals() {
  const totals = news.totals, lost = (bin) => Object.values(bin).reduce((a, b) => a + b, 0);
  const gone = lost(news.ledger.lost) + lost(news.ledger.missing);
  const one = (label, value, style) => el("div", { class: style ?? "" }, el("dt", {}, label), el("dd", {}, String(value)));
  by("totals").replaceChildren(...[
    one("spills looked at", totals.looked_at),
    one("events", totals.events),
    one("lost or missing", gone, gone ? "warn" : ""),
    totals.skipped ? one("spills not looked at, to keep up", totals.skipped, "warn") : null,
    totals.failed ? one("spills that could not be looked at", totals.failed, "bad") : null,
    one("alarms", totals.alarms, totals.alarms ? "bad" : ""),
  ].filter(Boolean));
}

function showTrends() {
  const host = by("trends"), spills = news.spills;
  host.replaceChildren();
  const marked = new Set(spills.flatMap((one, i) => (one.alarms.length ? [i] : [])));
  const names = spills.map(name), runs = new Set(spills.map((one) => one.run));
  for (const [title, value, said, zero, note] of TRENDS) {
    const values = spills.map(value), last = spills[spills.length - 1];
    const now = last && value(last) !== null ? `now ${said(value(last), last)}` : note ?? "";
    figure(host, title, now, {
      values, names, marked, lines: true, zero: zero ?? 0, x: runs.size > 1 ? "run/spill" : "spill",
      short: runs.size > 1 ? names : spills.map((one) => String(one.spill)),
    });
  }
}

function showAlarms() {
  const unit = (one) => ({ 1: "", percent: " %" }[one.unit] ?? ` ${one.unit}`);
  const rows = [...news.alarms].reverse().map((one) => [
    one.time.slice(11, 19), one.run < 0 ? "–" : `${one.run}/${one.spill}`, `${one.name}${one.of ? ` of ${one.of}` : ""}`,
    `${short(one.value, 4)}${unit(one)}`, one.limit, one.title]);
  by("alarms").replaceChildren(rows.length ? table([["time"], ["spill"], ["alarm"], "value", ["limit"], ["what it is"]], rows) : el("p", { class: "dim small pad" }, "none"));
}

function showChannels() {
  const of = news.channels, planes = news.planes;
  by("of-channels").hidden = !of;
  if (!of) return;
  by("reference").textContent = `Compared with: ${news.reference}.`;
  const host = by("channels"), names = of.names, places = names.map((_, i) => String(i));
  host.replaceChildren();
  const one = (title, said, values, usual, zero) => figure(host, title, said, { values, usual, names, short: places, zero, x: "channel" });
  one("occupancy", "share of events with a pulse; dashed: the reference", of.occupancy, of.usual, 0);
  one("pedestal shift [ADC]", "against the reference", of.pedestal, undefined, 0);
  one("gain", "mean pulse over that of the reference", of.gain, undefined, 1);
  if (planes.names.length && planes.hits.length) {
    figure(host, "hits per event", "in planes; dashed: the reference", { values: planes.hits, usual: planes.usual, names: planes.names, short: planes.names.map((_, i) => String(i)), zero: 0, x: "plane" });
  }
  const off = (i) => Math.max(Math.abs(of.pedestal[i] ?? 0), 20 * Math.abs((of.gain[i] ?? 1) - 1), Math.abs(of.pull[i] ?? 0) / 2);
  const order = names.map((_, i) => i).sort((a, b) => off(b) - off(a)).slice(0, ODD);
  by("odd").replaceChildren(table([["furthest off"], "pedestal [ADC]", "noise [ADC]", "occupancy", "reference", "pull", "pulse [ADC]", "gain"], order.map((i) => [
    names[i], short(of.pedestal[i], 3), short(of.noise[i], 3), percent(of.occupancy[i]), percent(of.usual[i]), short(of.pull[i], 3), short(of.height[i], 4), short(of.gain[i], 3)])));
}

function showCuts() {
  const rows = news.cutflow;
  by("of-cuts").hidden = !rows.length && !news.hidden;
  const cells = rows.map((row) => [row.cut === "all" ? "all events" : row.cut, row.n === null ? "hidden" : String(row.n), percent(row.share)]);
  by("flow").replaceChildren(rows.length ? table([["cut"], "events", "share"], cells) : el("p", { class: "dim small" }, "Blinded: shares are shown when there are enough events."));
}

function showLedger() {
  const ledger = news.ledger, rows = [["read", ledger.read], ["passed", ledger.passed]];
  for (const bin of ["not_physics", "lost", "excluded", "missing", "remarks"]) {
    for (const [what, n] of Object.entries(ledger[bin])) rows.push([`${bin.replace("_", " ")}: ${what}`, n]);
  }
  for (const [what, { events }] of Object.entries(ledger.damage)) rows.push([`damage: ${what}`, events]);
  if (ledger.unusable) rows.push(["unusable", ledger.unusable]);
  by("ledger").replaceChildren(table([["bin"], "events"], rows.map(([what, n]) => [what, String(n)])));
}

function showFiles() {
  by("files").replaceChildren(...news.files.map((file) => el("p", { class: "small" }, file.path.split("/").pop(), el("span", { class: "dim" },
    ` ${(file.size / 1e6).toFixed(1)} MB${file.waiting ? `, ${file.waiting} bytes at its end are not whole events yet` : ""}`))));
  by("notes").replaceChildren(...[...news.notes].reverse().map((one) => el("li", {}, `${one.time.slice(11, 19)} ${one.said}`)));
}

function showAll() {
  if (!news) return;
  showVerdict();
  showTotals();
  showTrends();
  showAlarms();
  showChannels();
  showCuts();
  showLedger();
  showFiles();
  document.body.dataset.serial = news.serial;
}

async function look() {
  try {
    const found = await ask("news", { serial: news?.serial ?? null });
    by("state").textContent = found.state;
    by("state").classList.remove("bad");
    if (found.totals) {
      news = found;
      showAll();
    }
    document.body.dataset.ended = found.ended;
  } catch (error) {
    by("state").textContent = error.message;
    by("state").classList.add("bad");
  }
  setTimeout(look, PAUSE);
}

new ResizeObserver(later(showAll, 150)).observe(by("trends"));
look();
