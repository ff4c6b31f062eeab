// What all pages share: elements made of plain data (never of markup), questions to the server, numbers as text.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element with attributes, listeners (onclick: ...) and children; texts stay texts. */
export function el(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** Return the same for a piece of a drawing. */
export function svg(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(node, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "textContent") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return the element of an id. */
export const by = (id) => document.getElementById(id);

/** Ask the server; the address of the page, with its token, is that of the questions. */
export async function ask(what, data) {
  let found;
  try {
    found = await fetch(`ask/${what}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(data ?? null),
    });
  } catch {
    throw new Error("emiss does not answer: was it ended in the terminal?");
  }
  const answer = await found.json().catch(() => ({ error: `the server says ${found.status}` }));
  if (!found.ok) throw new Error(answer.error);
  return answer;
}

/** Return a number with some significant digits, short. */
export function short(x, digits = 4) {
  if (x === null || x === undefined || !Number.isFinite(x)) return "–";
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1e5 || size < 1e-3) {
    const [mantissa, power] = x.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(power)}`;
  }
  return String(Number(x.toPrecision(digits)));
}

/** Run the last of many calls, after a pause. */
export function later(work, pause) {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => work(...given), pause);
  };
}
