// Heads in words: their names, their statistics, the card under the pointer, what a screen reader
// says.

import { createElement } from "../shared/elements.js";
import { formatNumber, percent } from "../shared/numbers.js";
import { chosenStatistic } from "./order.js";

/**
 * The name of a head or a mean.
 * @param {{ layers: number, heads: number }} data - How many there are.
 * @param {{ row: number, column: number }} cell - Which one.
 * @returns {string} E.g. "L3 · H7".
 */
export function headName({ layers, heads }, { row, column }) {
  if (row < layers) return column < heads ? `L${row} · H${column}` : `L${row} · mean of heads`;
  return column < heads ? `H${column} · mean of layers` : "mean of all heads";
}

/**
 * The same in as few characters as fit under a thumbnail.
 * @param {{ layers: number, heads: number }} data - How many there are.
 * @param {{ row: number, column: number }} cell - Which one.
 * @returns {string} E.g. "L3 H7".
 */
export function shortHeadName({ layers, heads }, { row, column }) {
  if (row === layers && column === heads) return "all";
  return [row < layers && `L${row}`, column < heads && `H${column}`].filter(Boolean).join(" ");
}

/**
 * The place of a head in the values of statistics.
 * @param {{ layers: number, heads: number }} data - How many there are.
 * @param {{ row: number, column: number }} cell - Which one.
 * @returns {number} -1 for a mean.
 */
export function headIndex({ layers, heads }, { row, column }) {
  return row < layers && column < heads ? row * heads + column : -1;
}

/**
 * The pattern of a head's attention.
 * @param {object} data - The payload.
 * @param {{ row: number, column: number }} cell - Which head.
 * @returns {string} Its name; empty for a mean, or where statistics were not sent.
 */
export function headPattern(data, cell) {
  const statistic = data.statistics?.find(({ name }) => name === "pattern");
  return data.patterns[statistic?.values[headIndex(data, cell)]]?.name ?? "";
}

/**
 * A value of a statistic as a reader sees it.
 * @param {{ unit: string }} statistic - What it is of.
 * @param {number} value - The value.
 * @param {boolean} [short] - Whether its unit goes, where there is no room.
 * @returns {string} E.g. "1.25 bits" or "7.4%".
 */
export function formatStatistic({ unit }, value, short = false) {
  if (unit === "share") return percent(value);
  const digits = value.toFixed(value < 9.95 ? 2 : 1);
  return short || !unit ? digits : `${digits} ${unit}`;
}

/** The numbers of a head: pairs of what and how much. */
function headNumbers(data, cell) {
  const head = headIndex(data, cell);
  const numeric = head < 0 ? [] : (data.statistics ?? []).filter(({ name }) => name !== "pattern");
  const peak = data.peaks[cell.row * (data.heads + 1) + cell.column];
  return [
    ...numeric.map((statistic) => [statistic.label, formatStatistic(statistic, statistic.values[head])]),
    [data.difference ? "largest difference" : data.signed ? "largest share" : "largest weight", formatNumber(peak, data.signed)],
  ];
}

/**
 * Everything about a head in one sentence.
 * @param {object} data - The payload.
 * @param {{ row: number, column: number }} cell - Which head.
 * @returns {string} For a screen reader.
 */
export function describeHead(data, cell) {
  const pattern = headPattern(data, cell);
  const numbers = headNumbers(data, cell).map(([what, value]) => `${what} ${value}`);
  return `${headName(data, cell)}${pattern && `, ${pattern}`}: ${numbers.join(", ")}.`;
}

/**
 * Shows the card of a head beside it: to the right, or to the left where there is no room; where
 * there is none on either side, below it or above.
 * @param {object} view - The atlas.
 * @param {import("./thumbnails.js").Cell} cell - Which head.
 * @param {boolean} [off] - Whether it is off.
 */
export function showCard({ canvas, card, data, layout, root }, cell, off = false) {
  const list = createElement("dl", "");
  for (const [what, value] of headNumbers(data, cell)) {
    list.append(createElement("dt", "", what), createElement("dd", "", value));
  }
  const heading = createElement("strong", "", headName(data, cell));
  card.replaceChildren(heading, createElement("span", "", [headPattern(data, cell), off && "off"].filter(Boolean).join(" · ")), list);
  card.hidden = false;
  const [frame, box] = [root.getBoundingClientRect(), canvas.getBoundingClientRect()];
  const lengths = [cell.x, cell.y, layout.cellWidth, layout.cellHeight];
  const [x, y, width, height] = lengths.map((length) => length / layout.pixelRatio);
  const [left, top] = [box.x - frame.x + x, box.y - frame.y + y];
  const [toRight, toLeft] = [left + width + 8, left - card.offsetWidth - 8];
  const maxLeft = root.clientWidth - card.offsetWidth;
  // As low as both the picture and the window end.
  const maxTop = Math.min(root.clientHeight, innerHeight - frame.y) - card.offsetHeight;
  const [below, above] = [top + height + 8, top - card.offsetHeight - 8];
  const hasNoSide = toRight > maxLeft && toLeft < 0;
  const cardLeft = toRight <= maxLeft ? toRight : toLeft >= 0 ? toLeft : Math.max(0, maxLeft);
  const cardTop = !hasNoSide ? top : below <= maxTop || above < 0 ? below : above;
  card.style.left = `${cardLeft}px`;
  card.style.top = `${Math.max(0, Math.min(cardTop, maxTop))}px`;
}

/**
 * The sentences under the picture: its order, what a pixel is, what the statistic means.
 * @param {object} view - The atlas.
 * @returns {string} The caption.
 */
export function captionOf(view) {
  const { data, settings } = view;
  const statistic = chosenStatistic(view);
  const isPattern = statistic?.name === "pattern";
  const order = isPattern ? "their pattern" : `“${statistic?.label}”, largest first`;
  const pattern = data.patterns.find(({ name }) => name === settings.pattern);
  const meaning = isPattern && pattern ? pattern.sentence : (statistic?.sentence ?? "");
  const first = statistic && settings.sort ? `Heads by ${order}; means last.` : data.caption.grid;
  return [first, data.caption.pixels, data.impossible?.sentence, meaning].filter(Boolean).join(" ");
}
