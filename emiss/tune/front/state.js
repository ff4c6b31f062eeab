// What the user has chosen, and what of it the server is told. A choice is kept in the address, behind the '#'.

/** Return the state of an analysis as its file has it. */
export function fresh(about) {
  const region = about.regions[0];
  return {
    values: Object.fromEntries(about.parameters.map((one) => [one.name, one.values.map((value) => value.value)])),
    region,
    weight: about.weights[0],
    merit: about.merit,
    cuts: Object.fromEntries(about.regions.map((name) => [name, about.cuts[name].map((cut) => ({ name: cut.name, on: true }))])),
    ranges: {},
    hidden: [],
    column: "expected",
    shape: false,
    log: true,
    merits: true,
  };
}

/** Return a value as --set takes it. */
export function written(parameter, values) {
  const texts = values.map((value, i) => `${value} ${parameter.values[i].unit}`.trim());
  return parameter.several ? `[${texts.join(", ")}]` : texts[0];
}

/** Return whether a parameter has another value than in the file. */
export const isTurned = (parameter, state) => parameter.values.some((value, i) => value.value !== state.values[parameter.name][i]);

/** Return the value of a parameter now: one that is computed from others goes along with them, until it is turned itself. */
export function valueNow(parameter, at, state, answer) {
  const known = parameter.from.length && !isTurned(parameter, state) ? answer?.values[parameter.values[at].name] : undefined;
  return known ?? state.values[parameter.name][at];
}

/** Return what the server is asked. */
export function question(about, state) {
  const turned = about.parameters.filter((one) => !one.locked && isTurned(one, state));
  return {
    parameters: Object.fromEntries(turned.map((one) => [one.name, written(one, state.values[one.name])])),
    region: state.region,
    weight: state.weight,
    merit: state.merit,
    cuts: state.cuts[state.region].filter((cut) => cut.on).map((cut) => cut.name),
    ranges: state.ranges,
  };
}

/** Keep a state in the address, so that loading the page again changes nothing. */
export function keep(state) {
  history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(state))}`);
}

/** Return the state in the address, as far as it fits the analysis. */
export function kept(about) {
  const state = fresh(about);
  let found;
  try {
    found = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return state;
  }
  if (!found || typeof found !== "object") return state;
  for (const one of about.parameters) {
    const given = found.values?.[one.name];
    const fits = Array.isArray(given) && given.length === one.values.length && given.every(Number.isFinite);
    if (fits && !one.locked) state.values[one.name] = given;
  }
  if (about.regions.includes(found.region)) state.region = found.region;
  if (about.weights.includes(found.weight)) state.weight = found.weight;
  if (typeof found.merit === "string") state.merit = found.merit;
  for (const region of about.regions) {
    const given = found.cuts?.[region];
    const names = (cuts) => JSON.stringify(cuts.map((cut) => cut?.name).sort());
    if (Array.isArray(given) && names(given) === names(state.cuts[region])) {
      state.cuts[region] = given.map((cut) => ({ name: cut.name, on: Boolean(cut.on) }));
    }
  }
  for (const [name, range] of Object.entries(found.ranges ?? {})) {
    if (about.parameters.some((one) => one.values.some((v) => v.name === name && v.range)) && range?.start < range?.stop) {
      state.ranges[name] = { start: range.start, stop: range.stop };
    }
  }
  if (Array.isArray(found.hidden)) state.hidden = found.hidden.filter((name) => about.samples.some((s) => s.name === name));
  for (const name of ["shape", "log", "merits"]) if (typeof found[name] === "boolean") state[name] = found[name];
  if (["expected", "n", "n1", "only", "alone"].includes(found.column)) state.column = found.column;
  return state;
}
