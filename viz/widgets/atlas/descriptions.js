// Heads in words: their names, their facts, the card under the pointer, what a screen reader says.

import { make } from "../shared/elements.js";
import { number } from "../shared/numbers.js";
import { chosenFact } from "./order.js";

export function nameOf({ layers, heads }, { row, column }) {
  if (row < layers) return column < heads ? `L${row} · H${column}` : `L${row} · mean of heads`;
  return column < heads ? `H${column} · mean of layers` : "mean of all heads";
}

/** The place of a head in the lists of facts; -1 for a mean. */
export function headAt({ layers, heads }, { row, column }) {
  return row < layers && column < heads ? row * heads + column : -1;
}

export function patternOf(data, cell) {
  const fact = data.facts?.find(({ name }) => name === "pattern");
  return data.patterns[fact?.values[headAt(data, cell)]]?.name ?? "";
}

/** A value of a fact as a reader sees it; without its unit where room is short. */
export function written({ unit }, value, short = false) {
  if (unit === "share") return `${(100 * value).toFixed(value < 0.0995 ? 1 : 0)} %`;
  const digits = value.toFixed(value < 9.95 ? 2 : 1);
  return short ? digits : `${digits} ${unit}`;
}

/** The numbers of a head: pairs of what and how much. */
function linesOf(data, cell) {
  const head = headAt(data, cell);
  const facts = head < 0 ? [] : (data.facts ?? []).filter(({ name }) => name !== "pattern");
  const peak = data.peaks[cell.row * (data.heads + 1) + cell.column];
  return [
    ...facts.map((fact) => [fact.label, written(fact, fact.values[head])]),
    [data.signed ? "largest share" : "largest weight", number(peak, data.signed)],
  ];
}

/** Everything about a head in one sentence. */
export function sentenceOf(data, cell) {
  const pattern = patternOf(data, cell);
  const lines = linesOf(data, cell).map(([what, value]) => `${what} ${value}`);
  return `${nameOf(data, cell)}${pattern && `, ${pattern}`}: ${lines.join(", ")}.`;
}

/** Shows the card of a cell beside it: to the right, or to the left where there is no room;
 *  where there is none on either side, below it or above. */
export function showCard({ canvas, card, data, place, root }, cell) {
  const list = make("dl", "");
  for (const [what, value] of linesOf(data, cell)) list.append(make("dt", "", what), make("dd", "", value));
  const heading = [make("strong", "", nameOf(data, cell)), make("span", "", patternOf(data, cell))];
  card.replaceChildren(...heading, list);
  card.hidden = false;
  const [frame, box] = [root.getBoundingClientRect(), canvas.getBoundingClientRect()];
  const [x, y, wide, high] = [cell.x, cell.y, place.wide, place.high].map((length) => length / place.ratio);
  const [left, top] = [box.x - frame.x + x, box.y - frame.y + y];
  const [right, other] = [left + wide + 8, left - card.offsetWidth - 8];
  const room = root.clientWidth - card.offsetWidth;
  const beside = right <= room ? right : other >= 0 ? other : Math.max(0, room);
  // As low as both the picture and the window end.
  const lowest = Math.min(root.clientHeight, innerHeight - frame.y) - card.offsetHeight;
  const [below, above] = [top + high + 8, top - card.offsetHeight - 8];
  const covers = right > room && other < 0;
  const at = covers && (below <= lowest || above < 0) ? below : covers ? above : top;
  card.style.left = `${beside}px`;
  card.style.top = `${Math.max(0, Math.min(at, lowest))}px`;
}

/** The sentences under the picture: what its order is, what a dot is, what the fact means. */
export function captionOf(view) {
  const { data, settings } = view;
  const fact = chosenFact(view);
  const way = fact?.name === "pattern" ? "their pattern" : `“${fact?.label}”, largest first`;
  const pattern = data.patterns.find(({ name }) => name === settings.pattern);
  const meaning = fact?.name === "pattern" && pattern ? pattern.sentence : (fact?.sentence ?? "");
  return [fact && settings.sort ? `Heads by ${way}; means last.` : data.caption.grid, data.caption.dots, meaning]
    .filter(Boolean)
    .join(" ");
}
