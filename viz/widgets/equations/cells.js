// The cells of a term: where they lie, what each is called, and where keys lead.

import { clamp } from "../shared/numbers.js";

const MIN_SIDE = 3; // CSS pixels of a cell that can be pointed at
const LINE = 16; // a vector breaks into lines of a multiple of this
const LARGEST_RATIO = 4; // of the sides of a cell

/**
 * A number, a vector or a matrix as the payload describes it.
 * @typedef {object} Term
 * @property {string} name - What it is.
 * @property {string} symbol - LaTeX.
 * @property {string} place - The token, layer and head it belongs to.
 * @property {string} source - Where it comes from.
 * @property {number[]} shape - Of the term.
 * @property {string[]} axes - What each axis counts.
 * @property {number} rows - Of the term as one matrix.
 * @property {number} columns - The same.
 * @property {[number, number]} drawn - Rows and columns that were sent.
 * @property {[number, number]} block - Rows and columns that one cell stands for.
 * @property {number} largest - What the color scale reaches.
 */

/**
 * Where cells lie.
 * @typedef {object} Layout
 * @property {number} count - How many there are.
 * @property {number} across - In one line.
 * @property {number} lines - Lines; a vector has several where it is long.
 * @property {number} width - Of a cell, in CSS pixels.
 * @property {number} height - The same.
 */

/**
 * Lays the cells of a term out: a vector in lines, a matrix as it is.
 * @param {[number, number]} drawn - Rows and columns.
 * @param {{ width: number, height: number, side: number, smallest?: number }} room - The most of the
 *     whole and of a side of a cell, and the least of the side before a vector breaks into lines, in
 *     CSS pixels.
 * @returns {Layout} The layout.
 */
export function layOut([rows, columns], room) {
  const count = rows * columns;
  if (rows > 1) {
    const [width, height] = [room.width / columns, room.height / rows].map((side) => Math.min(room.side, side));
    const narrow = Math.min(width, height);
    const limit = (side) => Math.min(side, Math.max(narrow * LARGEST_RATIO, MIN_SIDE));
    return { count, across: columns, lines: rows, width: limit(width), height: limit(height) };
  }
  const smallest = room.smallest ?? MIN_SIDE;
  let side = Math.min(room.side, Math.floor(room.width / columns));
  if (side >= smallest) return { count, across: columns, lines: 1, width: side, height: Math.max(side, 10) };
  for (side = smallest; side > 1; side--) {
    if (Math.ceil(columns / inLine(room.width / side)) * side <= room.height) break;
  }
  const across = Math.min(columns, inLine(room.width / side));
  return { count, across, lines: Math.ceil(columns / across), width: side, height: side };
}

function inLine(fitting) {
  return Math.max(LINE, Math.floor(fitting / LINE) * LINE);
}

/**
 * The cell at a point.
 * @param {Layout} layout - Where cells lie.
 * @param {number} x - From the left, in CSS pixels.
 * @param {number} y - From the top.
 * @returns {number | null} Its index; null where there is none.
 */
export function cellAt(layout, x, y) {
  const [column, line] = [Math.floor(x / layout.width), Math.floor(y / layout.height)];
  const index = line * layout.across + column;
  const isInside = column >= 0 && column < layout.across && line >= 0 && index < layout.count;
  return isInside ? index : null;
}

/**
 * Where a key leads.
 * @param {string} key - The name of the key, as an event has it.
 * @param {number} index - The cell that is read.
 * @param {Layout} layout - Where cells lie.
 * @returns {number | null} A cell; null where the key does not move.
 */
export function moveCell(key, index, { count, across }) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (!(key in steps)) return null;
  const next = index + steps[key];
  return next < 0 || next >= count ? index : next;
}

/**
 * The rows and columns of a term that a cell stands for.
 * @param {Term} term - The term.
 * @param {number} index - The cell.
 * @returns {{ row: number, column: number, lastRow: number, lastColumn: number }} All inclusive.
 */
export function rangeOf({ drawn, block, rows, columns }, index) {
  const [line, bar] = [Math.floor(index / drawn[1]), index % drawn[1]];
  const [row, column] = [line * block[0], bar * block[1]];
  return {
    row,
    column,
    lastRow: clamp(row + block[0] - 1, row, rows - 1),
    lastColumn: clamp(column + block[1] - 1, column, columns - 1),
  };
}

/**
 * What a cell is called.
 * @param {Term} term - The term.
 * @param {number} index - The cell.
 * @param {{ tokens: string[], classes: string[] }} names - Of tokens and classes.
 * @returns {string} Such as "prices (5), dimension 12"; empty for a number alone.
 */
export function cellName(term, index, names) {
  if (!term.axes.length) return "";
  const { row, column, lastRow, lastColumn } = rangeOf(term, index);
  const axis = (name, first, last) => (first === last ? axisName(name, first, names) : `${name}s ${first}–${last}`);
  const across = axis(term.axes.at(-1), column, lastColumn);
  if (term.axes.length < 2) return across;
  const rows = term.shape.at(-2);
  const down =
    row === lastRow || term.axes.length === 2
      ? axis(term.axes.at(-2), row % rows, lastRow === row ? row % rows : lastRow)
      : `rows ${row}–${lastRow}`;
  const head = term.axes.length > 2 && row === lastRow ? `${axisName(term.axes[0], Math.floor(row / rows), names)}, ` : "";
  return `${head}${down}, ${across}`;
}

function axisName(axis, index, { tokens, classes }) {
  if (axis === "token" && index < tokens.length) return `${tokens[index]} (${index})`;
  if (axis === "class" && index < classes.length) return classes[index];
  return axis === "head" ? `H${index}` : `${axis} ${index}`;
}

/**
 * A float32 in as few digits as name it and no other.
 * @param {number} value - The number.
 * @returns {string} Its digits, with a true minus sign.
 */
export function exactNumber(value) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return String(value).replace("-", "−");
  let digits = "0";
  for (let precision = 1; precision <= 9; precision++) {
    digits = value.toPrecision(precision);
    if (Math.fround(Number(digits)) === Math.fround(value)) break;
  }
  const [mantissa, exponent] = digits.split("e");
  const number = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${number}${exponent ? ` · 10^${Number(exponent)}` : ""}`.replaceAll("-", "−");
}

/**
 * What a term holds, in words.
 * @param {number[]} shape - Of the term.
 * @returns {string} Such as "32 numbers" or "7 × 32 numbers"; empty for one number.
 */
export function sizeOf(shape) {
  return shape.length ? `${shape.map((side) => side.toLocaleString("en-US")).join(" × ")} numbers` : "";
}

/**
 * The products of two vectors.
 * @param {ArrayLike<number>} first - One of them.
 * @param {ArrayLike<number>} second - The other one.
 * @returns {Float32Array} One product for each place.
 */
export function products(first, second) {
  return Float32Array.from(first, (value, index) => value * second[index]);
}
