// What a confusion matrix says in each cell, and where keys lead in it.

import { moveInList } from "../shared/keyboard.js";
import { percent } from "../shared/numbers.js";

const ROW_KEYS = { previous: ["ArrowUp"], next: ["ArrowDown"], first: "PageUp", last: "PageDown" };
const COLUMN_KEYS = { previous: ["ArrowLeft"], next: ["ArrowRight"], first: "Home", last: "End" };

/**
 * What is selected, or has the focus: a cell, or the head of a row or a column.
 * @typedef {object} Cell
 * @property {number | null} gold - The row; null for the head of a column.
 * @property {number | null} predicted - The column; null for the head of a row.
 */

/**
 * How many rows each class has, and the most rows of one kind of error.
 * @param {number[][]} counts - Rows of each true class by predicted class.
 * @returns {{ totals: number[], most: number }} Sums of rows, and the largest cell off the diagonal.
 */
export function summarize(counts) {
  const totals = counts.map((row) => row.reduce((sum, count) => sum + count, 0));
  const errors = counts.flatMap((row, gold) => row.filter((_, predicted) => predicted !== gold));
  return { totals, most: Math.max(0, ...errors) };
}

/**
 * What a cell, or the head of a row or a column, stands for.
 * @param {Cell} cell - Which one.
 * @param {string[]} labels - The classes.
 * @param {number[][]} counts - Rows of each true class by predicted class.
 * @param {number[]} totals - Rows of each true class.
 * @returns {string} A sentence without its period.
 */
export function describe({ gold, predicted }, labels, counts, totals) {
  const rows = (count) => `${count.toLocaleString("en-US")} ${count === 1 ? "row" : "rows"}`;
  if (predicted === null) return `true ${labels[gold]}: ${rows(totals[gold])}`;
  if (gold === null) {
    const count = counts.reduce((sum, row) => sum + row[predicted], 0);
    return `predicted ${labels[predicted]}: ${rows(count)}`;
  }
  const count = counts[gold][predicted];
  const share = totals[gold] ? `, ${percent(count, totals[gold])} of ${labels[gold]}` : "";
  return `true ${labels[gold]}, predicted ${labels[predicted]}: ${rows(count)}${share}`;
}

/**
 * Where a key leads from a cell; heads stand before the first row and the first column.
 * @param {string} key - The name of the key, as an event has it.
 * @param {Cell} cell - Where the reader is.
 * @param {number} count - How many classes there are.
 * @returns {Cell | null} The place; null where the key does not move.
 */
export function moveCell(key, { gold, predicted }, count) {
  const place = (index) => (index === null ? 0 : index + 1);
  const row = moveInList(key, place(gold), count + 1, ROW_KEYS) ?? place(gold);
  const column = moveInList(key, place(predicted), count + 1, COLUMN_KEYS) ?? place(predicted);
  const isMoved = row !== place(gold) || column !== place(predicted);
  if (!isMoved || (!row && !column)) return null; // nothing stands in the corner
  return { gold: row ? row - 1 : null, predicted: column ? column - 1 : null };
}
