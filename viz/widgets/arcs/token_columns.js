// The two columns of tokens beside the arcs, with the weights that the chosen token's arcs carry.

import { make } from "../shared/elements.js";
import { EXACT, number } from "../shared/numbers.js";
import { colorOf } from "./arc_paths.js";
import { shareOf } from "./selection.js";

const ROOMY = 900; // CSS pixels from which there is room for two heads' weights beside a token

/** Fills both columns; their elements stay until other tokens come. */
export function fillColumns({ columns, axes }) {
  for (const side of ["query", "key"]) {
    const special = new Set(axes[side].special);
    const rows = axes[side].labels.map((label, index) => {
      const row = make("div", special.has(index) ? "token special" : "token");
      const name = make("bdi", "label", label);
      row.append(name, make("span", "weights"));
      Object.assign(row, { tabIndex: index ? -1 : 0, role: "option", title: label });
      Object.assign(row.dataset, { side, index, testid: `arcs-${side}` });
      row.setAttribute("aria-selected", "false");
      return row;
    });
    columns[side].replaceChildren(...rows);
  }
}

/** Marks the active token, and writes the weights of its arcs beside those it is joined to. */
export function markTokens(view) {
  const { columns, active, pinned, data, area } = view;
  for (const row of area.querySelectorAll(".marked")) {
    row.classList.remove("marked", "active", "pinned");
    row.setAttribute("aria-selected", "false");
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
    row.lastChild.replaceChildren(...weights(view, arcs, data));
  }
}

/** The strongest weights of one pair of tokens, each with its head where there are several. */
function weights(view, arcs, { names, signed }) {
  if (view.chosen.size === 1) return [make("span", "weight", number(arcs[0].value, signed, EXACT))];
  const most = view.area.clientWidth < ROOMY ? 1 : 2;
  const shown = arcs.slice(0, most).map((arc) => {
    const weight = make("span", "weight", `${names[arc.head]} ${number(arc.value, signed)}`);
    weight.style.setProperty("--hue", colorOf(view, arc));
    return weight;
  });
  if (arcs.length > most) shown.push(make("span", "more", `+${arcs.length - most}`));
  return shown;
}

/** The token an event happened at, as { side, index }. */
export function tokenAt(event) {
  const row = event.target.closest?.(".token");
  return row ? { side: row.dataset.side, index: Number(row.dataset.index) } : null;
}

/** One line on what is drawn and what share of the weight it holds. */
export function describeShare(view) {
  const { active, axes, arcs, data, chosen } = view;
  const share = shareOf(view, active, arcs);
  const percent = percentOf(share);
  const heads = chosen.size === 1 ? data.names[[...chosen][0]] : `${chosen.size} heads`;
  const many = arcs.length === 1 ? "1 arc holds" : `${arcs.length} arcs hold`;
  const unit = data.signed ? `shares in ${heads}, counted by size.` : `weight in ${heads}.`;
  if (!active && !arcs.length) return [`Nothing to draw: each ${data.signed ? "share" : "weight"} in ${heads} is 0.`];
  if (!active) return [`The strongest ${many} ${percent} of the ${unit}`];
  const name = make("bdi", "", axes[active.side].labels[active.index]);
  const verb = active.side === "query" ? "it gives" : "it gets";
  return [name, `: ${many} ${percent} of the ${data.signed ? unit : `weight ${verb} in ${heads}.`}`];
}

/** A share as a percentage that does not round to all. */
function percentOf(share) {
  if (share >= 1 - 1e-6) return "100 %";
  return share >= 0.9995 ? "> 99.9 %" : `${(share * 100).toFixed(1)} %`;
}
