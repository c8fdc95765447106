// The two columns of tokens beside the arcs, with the weights that the active token's arcs carry.

import { createElement } from "../shared/elements.js";
import { LABEL, QUERY_LABEL } from "../shared/impossible.js";
import { EXACT_DECIMALS, formatNumber } from "../shared/numbers.js";
import { arcColor } from "./arc_paths.js";
import { impossiblePartners, weightShare } from "./selection.js";

const WIDE = 900; // CSS pixels from which there is room for two heads' weights beside a token

/**
 * Fills both columns; their elements stay until other tokens come.
 * @param {object} view - Has the `columns` and the `axes`.
 */
export function fillColumns({ columns, axes }) {
  for (const side of ["query", "key"]) {
    const special = new Set(axes[side].special);
    const rows = axes[side].labels.map((label, index) => {
      const row = createElement("div", special.has(index) ? "token special" : "token");
      row.append(createElement("bdi", "label", label), createElement("span", "weights"));
      Object.assign(row, { tabIndex: index ? -1 : 0, role: "option", title: label });
      Object.assign(row.dataset, { side, index, testid: `arcs-${side}` });
      row.setAttribute("aria-selected", "false");
      return row;
    });
    columns[side].replaceChildren(...rows);
  }
}

/**
 * Marks the active token, and writes the weights of its arcs beside those it is joined to.
 * @param {object} view - The arcs.
 */
export function markTokens(view) {
  const { columns, active, pinned, area } = view;
  for (const row of area.querySelectorAll(".marked")) {
    row.classList.remove("marked", "active", "pinned", "hatch");
    row.setAttribute("aria-selected", "false");
    row.title = row.firstChild.textContent;
    row.lastChild.replaceChildren();
  }
  area.classList.toggle("chosen", Boolean(active));
  if (!active) return;
  const own = columns[active.side].children[active.index];
  own.classList.add("marked", "active");
  own.classList.toggle("pinned", Boolean(pinned));
  own.setAttribute("aria-selected", String(Boolean(pinned)));
  const other = active.side === "query" ? "key" : "query";
  for (const [index, arcs] of Map.groupBy(view.arcs.toReversed(), (arc) => arc[other])) {
    const row = columns[other].children[index];
    row.classList.add("marked");
    row.lastChild.replaceChildren(...createWeights(view, arcs));
  }
  for (const index of impossiblePartners(view, active)) {
    const row = columns[other].children[index];
    row.classList.add("marked", "hatch");
    row.title = `${row.firstChild.textContent}: ${other === "key" ? LABEL : QUERY_LABEL}`;
  }
}

/** The strongest weights of one pair of tokens, each with its head where there are several. */
function createWeights(view, arcs) {
  const { names, signed } = view.data;
  if (view.heads.size === 1) {
    return [createElement("span", "weight", formatNumber(arcs[0].value, signed, EXACT_DECIMALS))];
  }
  const limit = view.area.clientWidth < WIDE ? 1 : 2;
  const elements = arcs.slice(0, limit).map((arc) => {
    const text = `${names[arc.head]} ${formatNumber(arc.value, signed)}`;
    const weight = createElement("span", "weight", text);
    weight.style.setProperty("--head-color", arcColor(view, arc));
    return weight;
  });
  if (arcs.length > limit) elements.push(createElement("span", "more", `+${arcs.length - limit}`));
  return elements;
}

/**
 * The token that an event happened at.
 * @param {Event} event - Anywhere in the picture.
 * @returns {import("./selection.js").TokenPosition | null} Null beside the tokens.
 */
export function tokenAt(event) {
  const row = event.target.closest?.(".token");
  return row ? { side: row.dataset.side, index: Number(row.dataset.index) } : null;
}

/**
 * One line on what is drawn and what share of the weight it holds.
 * @param {object} view - The arcs.
 * @returns {(string | Node)[]} Texts and elements.
 */
export function describeShare(view) {
  const { active, axes, arcs, data, heads } = view;
  const percent = formatPercent(weightShare(view, active, arcs));
  const headNames = heads.size === 1 ? data.names[[...heads][0]] : `${heads.size} heads`;
  const count = arcs.length === 1 ? "1 arc holds" : `${arcs.length} arcs hold`;
  const unit = data.signed ? `shares in ${headNames}, counted by size.` : `weight in ${headNames}.`;
  if (!active && !arcs.length) return [`Nothing to draw: each ${data.signed ? "share" : "weight"} in ${headNames} is 0.`];
  if (!active) return [`The strongest ${count} ${percent} of the ${unit}`];
  const name = createElement("bdi", "", axes[active.side].labels[active.index]);
  const isQuery = active.side === "query";
  const what = data.signed ? unit : `weight ${isQuery ? "it gives" : "it gets"} in ${headNames}.`;
  const nImpossible = impossiblePartners(view, active).length;
  const tokens = `${nImpossible} of ${isQuery ? data.columns : data.rows} tokens`;
  const cannot = isQuery ? [" It can't look at ", tokens, "."] : [` ${tokens} `, QUERY_LABEL, "."];
  return [name, `: ${count} ${percent} of the ${what}`, ...(nImpossible ? cannot : [])];
}

/**
 * A share as a percentage that does not round to all.
 * @param {number} share - 0 to 1.
 * @returns {string} With one decimal.
 */
export function formatPercent(share) {
  if (share >= 1 - 1e-6) return "100%";
  return share >= 0.9995 ? "> 99.9%" : `${(share * 100).toFixed(1)}%`;
}
