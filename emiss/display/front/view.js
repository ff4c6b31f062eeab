// The set-up from the side and from the top, to scale, with the event in it; zoomed and moved by pointer, wheel, fingers, keys.

import { ticks } from "./chart.js";
import { by, el, short, svg } from "./base.js";
import { Along, quad, range } from "./place.js";
import { colour, energyText } from "./ramp.js";

const FACTORS = [50, 40, 30, 20, 15, 10, 8, 6, 5, 4, 3, 2, 1];
const APART = 12;
const LEAST = 20;

/** The drawing. `about` is the description of the page; `chosen(part)` and `moved()` are told of clicks and of another window. */
export class Stage {
  constructor(about, chosen, moved) {
    this.about = about;
    this.setup = about.setup;
    this.chosen = chosen;
    this.moved = moved;
    this.event = null;
    this.part = null;
    this.shortened = true;
    this.waiting = false;
    this.fingers = new Map();
    this.fit();
    this.listen();
  }

  /** Show everything. */
  fit() {
    this.along = new Along(this.setup.along, this.shortened);
    this.window = [0, this.along.length];
    this.whole = true;
    this.focus = null;
    this.lift = 0;
    this.draw();
  }

  /** Return the window around a stretch that is wide enough for some outlines at one scale. */
  room(a, b, shapes) {
    const tall = Math.max(...["y", "x"].map((view) => range(shapes.flatMap((shape) => shape[view]), 5)).map(([low, high]) => high - low));
    const half = 0.5 * Math.max(b - a, (tall * this.width) / this.high);
    return [0.5 * (a + b) - half, 0.5 * (a + b) + half];
  }

  /** Show from where to where in z, mm. */
  see(from, to) {
    const [a, b] = [this.along.of(from), this.along.of(to)];
    const inside = this.setup.shapes.filter((shape) => !shape.empty && shape.ends[1] >= from && shape.ends[0] <= to);
    const more = Math.max(0.06 * (b - a), LEAST);
    this.window = this.room(a - more, b + more, inside);
    this.whole = false;
    this.focus = inside.length ? inside : null;
    this.lift = 0;
    this.draw();
    by("stage").scrollIntoView({ block: "nearest" });
  }

  /** Return the range of z that is seen; null if it is all. */
  within() {
    return this.whole ? null : this.window.map((u) => this.along.back(u));
  }

  shorten(on) {
    const seen = this.within();
    this.shortened = on;
    this.fit();
    if (seen) { this.window = seen.map((z) => this.along.of(z)); this.whole = false; this.draw(); }
  }

  show(event, part) {
    this.event = event;
    this.part = part;
    this.draw();
  }

  /** Zoom around a place between the sides of the drawing, 0 to 1. */
  zoom(by_, at = 0.5) {
    const [a, b] = this.window;
    const width = Math.min(Math.max((b - a) / by_, LEAST), Math.max(b - a, 1.5 * this.along.length));
    const fixed = a + at * (b - a);
    this.window = [fixed - at * width, fixed + (1 - at) * width];
    this.whole = false;
    this.focus = null;
    this.draw();
  }

  /** Move by shares of the width, and by pixels up. */
  move(right, up = 0) {
    const [a, b] = this.window;
    const by_ = Math.min(Math.max(right * (b - a), -0.9 * (b - a) - a), this.along.length + 0.9 * (b - a) - b);
    this.window = [a + by_, b + by_];
    this.whole = false;
    this.lift += up;
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.drawn(); });
  }

  drawn() {
    const stage = by("stage");
    this.width = Math.max(240, stage.clientWidth);
    this.high = this.width < 600 ? 150 : 215;
    const aside = 0.015 * this.along.length;
    if (this.whole) this.window = this.room(-aside, this.along.length + aside, this.setup.shapes.filter((shape) => !shape.empty));
    this.scale = this.width / (this.window[1] - this.window[0]);
    const seen = this.setup.shapes.filter((shape) => this.of(shape.ends[1]) > 0 && this.of(shape.ends[0]) < this.width);
    const solid = seen.filter((shape) => !shape.empty);
    this.ranges = Object.fromEntries(["y", "x"].map((view) => [view, this.rangeOf(view, this.focus ?? (solid.length ? solid : seen))]));
    const fits = (k) => ["y", "x"].every((view) => k * this.scale * (this.ranges[view][1] - this.ranges[view][0]) <= this.high);
    this.factor = FACTORS.find(fits) ?? 1;
    this.names(seen);
    this.view(by("side"), "y", seen);
    this.view(by("above"), "x", seen);
    this.ruler();
    this.moved();
  }

  rangeOf(view, shapes) {
    const points = shapes.flatMap((shape) => shape[view]);
    const path = view === "x" ? this.setup.path : [[], []];
    path[0].forEach((z, i) => { if (this.of(z) >= 0 && this.of(z) <= this.width) points.push([z, path[1][i]]); });
    return range(points, 5);
  }

  /** z to pixels. */
  of(z) { return (this.along.of(z) - this.window[0]) * this.scale; }

  /** x or y to pixels. */
  across(view, v) {
    const middle = 0.5 * (this.ranges[view][0] + this.ranges[view][1]);
    return Math.round(10 * (0.5 * this.high - (v - middle) * this.scale * this.factor + this.lift)) / 10;
  }

  point(view, [z, v]) { return `${Math.round(10 * this.of(z)) / 10},${this.across(view, v)}`; }

  /** Return an outline, at least two pixels wide. */
  outline(view, corners) {
    const points = corners.map(([z, v]) => [this.of(z), this.across(view, v)]);
    const left = Math.min(...points.map((p) => p[0])), right = Math.max(...points.map((p) => p[0]));
    if (right - left < 2) {
      const middle = 0.5 * (left + right);
      const [low, high] = [Math.min(...points.map((p) => p[1])), Math.max(...points.map((p) => p[1]))];
      return `${middle - 1},${low} ${middle + 1},${low} ${middle + 1},${high} ${middle - 1},${high}`;
    }
    return points.map((p) => p.map((x) => Math.round(10 * x) / 10).join(",")).join(" ");
  }

  view(host, view, seen) {
    host.setAttribute("viewBox", `0 0 ${this.width} ${this.high}`);
    host.setAttribute("height", this.high);
    const label = view === "y" ? "from the side: y" : "from the top: x";
    host.replaceChildren(svg("title", {}, label), ...this.lines(view));
    // what has an opening stands under what may be inside
    const level = (shape) => (shape.empty ? 0 : shape.hole ? 1 : 2);
    const ordered = [...seen].sort((a, b) => level(a) - level(b));
    for (const shape of ordered) host.append(this.shape(view, shape));
    this.beam(host, view);
    if (this.event) {
      for (const { corners, energy, text, part } of this.energies(view)) {
        host.append(svg("polygon", {
          class: "energy", points: this.outline(view, corners), fill: colour(energy, this.about.energy), "data-part": part, onclick: () => this.clicked(part),
        }, svg("title", {}, text)));
      }
      for (const mark of this.event.marks) {
        const x = this.of(mark.z);
        host.append(svg("g", { class: "true" }, svg("path", { class: "mark", d: `M${x} 0V${this.high}` }), svg("text", { x: x + 3, y: this.high - 5 }, mark.text)));
      }
      for (const path of this.event.tracks) host.append(this.path(view, path, "track"));
      for (const path of this.event.truth) host.append(this.path(view, path, "true"));
      for (const [plane, position, charge] of this.event.clusters) {
        const about = this.setup.planes[plane];
        if (about.view !== view) continue;
        host.append(svg("circle", { class: "cluster", cx: this.of(about.z), cy: this.across(view, position), r: 3.2, onclick: () => this.clicked(about.part) },
          svg("title", {}, `${about.name}: ${short(position)} mm, charge ${short(charge, 3)}`)));
      }
    }
    host.append(svg("text", { class: "what", x: this.width - 6, y: 14, "text-anchor": "end" }, `${label}, mm`));
  }

  lines(view) {
    const [low, high] = [this.high, 0].map((pixel) => 0.5 * (this.ranges[view][0] + this.ranges[view][1]) + (0.5 * this.high + this.lift - pixel) / (this.scale * this.factor));
    return ticks(low, high, 4).flatMap((v) => {
      const y = this.across(view, v);
      if (y < 8 || y > this.high - 6) return [];
      return [svg("path", { class: v === 0 ? "grid zero" : "grid", d: `M0 ${y}H${this.width}` }), svg("text", { class: "tick", x: 3, y: y - 2 }, short(v, 5))];
    });
  }

  shape(view, shape) {
    const unlike = `${shape.kind}${shape.empty ? " empty" : ""}${shape.unknown ? " unknown" : ""}${shape.part === this.part ? " chosen" : ""}`;
    const group = svg("g", { class: `shape ${unlike}`, "data-name": shape.name },
      svg("polygon", { class: "outline", points: this.outline(view, shape[view]) }),
      shape.hole ? svg("polygon", { class: "hole", points: this.outline(view, shape.hole[view]) }) : null,
      svg("title", {}, shape.about));
    if (shape.read) {
      group.setAttribute("data-part", shape.part);
      group.addEventListener("click", () => this.clicked(shape.part));
    }
    const many = view === "y" ? shape.cells[1] : shape.cells[0];
    if (many > 1 && !shape.unknown) {
      let lines = "";
      for (let i = 1; i < many; i++) {
        const [from, , to] = quad(shape[view], view, [0, 1], [i / many, i / many]);
        lines += `M${this.point(view, from)}L${this.point(view, to)}`;
      }
      group.append(svg("path", { class: "cells", d: lines }));
    }
    return group;
  }

  /** Return the outlines with energy in them: cells added up along the view, and elements without cells. */
  energies(view) {
    const shapes = new Map(this.setup.shapes.map((shape) => [shape.name, shape]));
    const sums = new Map(), found = [], celled = new Set();
    for (const [channel, energy] of this.event.cells) {
      const [, part, outline, x, y, layer, cells] = this.setup.channels[channel];
      if (!cells || !(energy > 0)) continue;
      celled.add(outline);
      const at = view === "y" ? y : x;
      const key = `${outline} ${layer} ${at}`;
      const sum = sums.get(key) ?? { part, outline, layer, at, energy: 0 };
      sum.energy += energy;
      sums.set(key, sum);
    }
    for (const { part, outline, layer, at, energy } of sums.values()) {
      const shape = shapes.get(outline);
      const edges = layer < 0 ? [0, 1] : this.setup.grids[outline].edges.slice(layer, layer + 2);
      const many = view === "y" ? shape.cells[1] : shape.cells[0];
      const name = layer < 0 ? outline : this.setup.grids[outline].layers[layer];
      const text = `${name}, ${view === "y" ? "row" : "column"} ${at}: ${energyText(energy)}`;
      found.push({ corners: quad(shape[view], view, edges, [at / many, (at + 1) / many]), energy, text, part });
    }
    for (const { part, elements } of this.event.parts) {
      for (const [name, energy] of elements) {
        const shape = shapes.get(name);
        if (shape && !celled.has(name) && energy > 1e-3) found.push({ corners: shape[view], energy, text: `${name}: ${energyText(energy)}`, part });
      }
    }
    return found;
  }

  path(view, path, kind) {
    const points = path.z.map((z, i) => [z, path[view][i]]).filter(([z, v]) => z !== null && v !== null);
    return svg("g", { class: kind }, svg("polyline", { points: points.map((p) => this.point(view, p)).join(" ") }),
      svg("title", {}, `${kind === "true" ? "true muon" : `track of ${path.arm}`}: ${path.said}`));
  }

  beam(host, view) {
    const line = (points, style) => {
      if (points[0].length) host.append(svg("polyline", { class: style, points: points[0].map((z, i) => this.point(view, [z, view === "x" ? points[1][i] : 0])).join(" ") }));
    };
    line(this.setup.path, "beam");
    if (view === "x") line(this.setup.straight, "beam straight");
  }

  /** Write names above the side view, as many as there is room for. */
  names(seen) {
    const there = new Set(seen.map((shape) => shape.name));
    const wanted = this.setup.labels.filter((label) => there.has(label.element))
      .map((label) => ({ ...label, at: this.of(0.5 * (label.ends[0] + label.ends[1])) })).filter((label) => label.at > -2 && label.at < this.width + 2);
    wanted.sort((a, b) => a.at - b.at);
    const placed = [];
    for (const label of wanted) {
      const place = Math.max(label.at, (placed.at(-1)?.place ?? -APART) + APART);
      if (place - label.at < 40 && place < this.width - 2) placed.push({ ...label, place: Math.max(place, 7) });
    }
    const host = by("names");
    const high = Math.min(190, 18 + 6 * Math.max(3, ...placed.map((label) => label.text.length)));
    host.setAttribute("viewBox", `0 0 ${this.width} ${high}`);
    host.setAttribute("height", high);
    host.replaceChildren(...placed.flatMap((label) => [
      svg("path", { d: `M${label.at} ${high}V${high - 3}L${label.place} ${high - 9}V${high - 11}` }),
      svg("text", { class: label.part === this.part ? "chosen" : "", transform: `translate(${label.place + 3.5} ${high - 13}) rotate(-90)` }, label.text),
    ]));
  }

  ruler() {
    const host = by("ruler");
    host.setAttribute("viewBox", `0 0 ${this.width} 18`);
    host.setAttribute("height", 18);
    host.replaceChildren();
    let last = -Infinity;
    for (const z of ticks(this.along.back(this.window[0]), this.along.back(this.window[1]), Math.max(3, this.width / 45))) {
      const x = this.of(z);
      const hidden = this.along.breaks.some(([first, end]) => first < z && z < end);
      if (hidden || x < 8 || x > this.width - 42 || x - last < 42) continue;
      last = x;
      host.append(svg("path", { d: `M${x} 0V4` }), svg("text", { x, y: 15, "text-anchor": "middle" }, short(z / 1000, 6)));
    }
    host.append(svg("text", { x: this.width - 2, y: 15, "text-anchor": "end" }, "z, m"));
    for (const [first, end] of this.along.breaks) {
      const x = 0.5 * (this.of(first) + this.of(end));
      if (x > 4 && x < this.width - 4) host.append(svg("text", { class: "break", x, y: 15, "text-anchor": "middle" }, "//"), svg("title", {}, `z is shortened from ${first / 1000} to ${end / 1000} m`));
    }
  }

  /** Say how x and y compare with z. */
  said() {
    const how = this.factor === 1 ? "x, y and z have one scale" : `z is compressed ${this.factor} times against x and y`;
    const hidden = this.along.breaks.some(([first, end]) => this.of(end) > 0 && this.of(first) < this.width);
    return how + (hidden ? "; at // z is shortened" : "");
  }

  clicked(part) { if (!this.dragged) this.chosen(part); }

  listen() {
    const stage = by("stage");
    for (const host of [by("side"), by("above")]) {
      host.addEventListener("wheel", (event) => {
        if (!event.ctrlKey && !event.metaKey && document.activeElement !== stage) return;
        event.preventDefault();
        const box = host.getBoundingClientRect();
        this.zoom(Math.exp(-Math.sign(event.deltaY) * 0.2), (event.clientX - box.left) / box.width);
      }, { passive: false });
      host.addEventListener("pointerdown", (event) => this.down(host, event));
      host.addEventListener("pointermove", (event) => {
        const box = host.getBoundingClientRect();
        const u = this.window[0] + ((event.clientX - box.left) / box.width) * (this.window[1] - this.window[0]);
        const view = host.id === "side" ? "y" : "x";
        const v = 0.5 * (this.ranges[view][0] + this.ranges[view][1]) + (0.5 * this.high + this.lift - (event.clientY - box.top)) / (this.scale * this.factor);
        by("place").textContent = `z ${(this.along.back(u) / 1000).toFixed(3)} m, ${view} ${v.toFixed(1)} mm`;
      });
      host.addEventListener("pointerleave", () => { by("place").textContent = ""; });
    }
    stage.addEventListener("keydown", (event) => {
      const does = {
        "+": () => this.zoom(1.5), "=": () => this.zoom(1.5), "-": () => this.zoom(1 / 1.5), 0: () => this.fit(),
        ArrowLeft: () => this.move(-0.1), ArrowRight: () => this.move(0.1), ArrowUp: () => this.move(0, 20), ArrowDown: () => this.move(0, -20),
      }[event.key];
      if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      does();
    });
    new ResizeObserver(() => this.draw()).observe(stage);
  }

  down(host, event) {
    if (event.button) return;
    this.fingers.set(event.pointerId, [event.clientX, event.clientY]);
    this.dragged = false;
    if (this.fingers.size > 1) return;
    const move = (where) => {
      const before = this.fingers.get(where.pointerId);
      if (!before) return;
      const others = [...this.fingers].filter(([id]) => id !== where.pointerId).map(([, place]) => place);
      const [dx, dy] = [where.clientX - before[0], where.clientY - before[1]];
      if (!this.dragged && Math.hypot(dx, dy) < 4) return;
      this.dragged = true;
      this.fingers.set(where.pointerId, [where.clientX, where.clientY]);
      const box = host.getBoundingClientRect();
      if (others.length) {
        const apart = (place) => Math.max(20, Math.abs(place[0] - others[0][0]));
        this.zoom(apart([where.clientX]) / apart(before), (0.5 * (where.clientX + others[0][0]) - box.left) / box.width);
      } else {
        this.move(-dx / box.width, where.pointerType === "touch" ? 0 : dy);
      }
    };
    const up = (where) => {
      this.fingers.delete(where.pointerId);
      if (this.fingers.size) return;
      window.removeEventListener("pointermove", move);
      window.removeEventListener("pointerup", up);
      window.removeEventListener("pointercancel", up);
      setTimeout(() => { this.dragged = false; }, 0);
    };
    window.addEventListener("pointermove", move);
    window.addEventListener("pointerup", up);
    window.addEventListener("pointercancel", up);
  }
}

/** Return the buttons of the drawing. */
export function tools(stage) {
  const button = (text, label, work) => el("button", { type: "button", "aria-label": label, title: label, onclick: work }, text);
  const breaks = stage.setup.along.breaks.length;
  return [
    button("−", "zoom out", () => stage.zoom(1 / 1.5)),
    button("+", "zoom in", () => stage.zoom(1.5)),
    button("←", "move left", () => stage.move(-0.25)),
    button("→", "move right", () => stage.move(0.25)),
    button("all", "show all", () => stage.fit()),
    breaks ? el("label", { class: "inline" }, el("input", { type: "checkbox", id: "shorten", checked: true, onchange: (event) => stage.shorten(event.target.checked) }), "shorten gaps") : null,
  ].filter(Boolean);
}
