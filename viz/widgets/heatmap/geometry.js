// Where the cells of a heat map lie: the frame around them, and the part of them that is seen.

import { clamp } from "../shared/numbers.js";
import { LABEL_STEP } from "./labels.js";

const MAX_HEIGHT = 680; // CSS pixels of a heat map that does not fill the screen
const MIN_HEIGHT = 80; // of its cells
const MAX_CELL_SIDE = 64;
const MAX_ZOOMED_SIDE = 56; // how large a cell can be made
export const READABLE_SIDE = 15; // a row or column this wide has room for its label
export const TITLE_HEIGHT = 20; // of the name of an axis
export const MARGIN = 8; // to the right of the cells and below them

/**
 * The frame around the cells, in device pixels.
 * @typedef {object} Frame
 * @property {number} pixelRatio - Device pixels of a CSS pixel.
 * @property {(length: number) => number} px - CSS pixels in device pixels.
 * @property {number} rows - How many rows there are.
 * @property {number} columns - How many columns.
 * @property {number} left - Where the cells begin.
 * @property {number} top - Where they begin.
 * @property {number} width - How wide all of them are together.
 * @property {number} height - How high.
 * @property {boolean} horizontal - Whether the labels of the columns are written horizontally.
 * @property {number} maxScale - How far one can zoom in.
 */

/**
 * The part of the cells that is seen.
 * @typedef {object} Viewport
 * @property {number} scale - How much larger than the whole picture.
 * @property {number} x - The column at the left edge.
 * @property {number} y - The row at the upper edge.
 */

/**
 * The frame for the room that the page gives.
 * @param {object} view - Has `area`, `axes` and whether it is `expanded`.
 * @param {{ queries: { width: number }, keys: { width: number } }} labels - Of both axes.
 * @returns {Frame} The frame.
 */
export function fitFrame({ area, expanded, axes }, labels) {
  const [rows, columns] = [axes.queries.labels.length, axes.keys.labels.length];
  const pixelRatio = window.devicePixelRatio || 1;
  const px = (length) => Math.round(length * pixelRatio);
  const left = TITLE_HEIGHT + labels.queries.width + 6;
  const maxHeight = (expanded && area.clientHeight) || MAX_HEIGHT;
  const maxWidth = area.clientWidth - left - MARGIN;
  const fit = (top) => cellSize(rows, columns, maxWidth, Math.max(maxHeight - top - MARGIN, MIN_HEIGHT));
  let top = TITLE_HEIGHT + LABEL_STEP + 6;
  let cell = fit(top);
  const horizontal = labels.keys.width + MARGIN <= cell.width;
  if (!horizontal) {
    top = TITLE_HEIGHT + labels.keys.width + 6;
    cell = fit(top);
  }
  const [width, height] = [cell.width * columns, cell.height * rows].map((length) => Math.max(px(length), 1));
  const maxScale = Math.max(2, MAX_ZOOMED_SIDE / Math.min(cell.width, cell.height));
  return { pixelRatio, px, rows, columns, left: px(left), top: px(top), width, height, horizontal, maxScale };
}

/**
 * How large a cell is.  Cells are square; where a map is much longer than wide, or wider than long,
 * its few rows or columns are larger.
 * @param {number} rows - How many rows there are.
 * @param {number} columns - How many columns.
 * @param {number} maxWidth - CSS pixels that all columns may take.
 * @param {number} maxHeight - CSS pixels that all rows may take.
 * @returns {{ width: number, height: number }} CSS pixels.
 */
export function cellSize(rows, columns, maxWidth, maxHeight) {
  const width = Math.min(maxWidth / columns, MAX_CELL_SIDE);
  const height = Math.min(maxHeight / rows, MAX_CELL_SIDE);
  const side = Math.min(width, height);
  if (rows === columns) return { width: side, height: side };
  const least = Math.max(side, READABLE_SIDE);
  return { width: Math.min(width, least), height: Math.min(height, least) };
}

/**
 * The sides of a cell in device pixels, as zoomed.
 * @param {{ frame: Frame, viewport: Viewport }} view - What is seen.
 * @returns {[number, number]} Width and height.
 */
export function cellSides({ frame, viewport }) {
  return [(frame.width / frame.columns) * viewport.scale, (frame.height / frame.rows) * viewport.scale];
}

/**
 * The left top corner of a cell in device pixels.
 * @param {{ frame: Frame, viewport: Viewport }} view - What is seen.
 * @param {number} row - The row of the cell.
 * @param {number} column - Its column.
 * @returns {[number, number]} From the corner of the canvas: x and y.
 */
export function cellCorner(view, row, column) {
  const [width, height] = cellSides(view);
  const { frame, viewport } = view;
  return [frame.left + (column - viewport.x) * width, frame.top + (row - viewport.y) * height];
}

/**
 * The cell under a pointer.
 * @param {object} view - Has `canvas`, `frame` and `viewport`.
 * @param {MouseEvent} event - Where the pointer is.
 * @returns {[number, number] | null} Row and column; null outside of the cells.
 */
export function cellUnderPointer({ canvas, frame, viewport }, event) {
  if (!frame) return null;
  const [x, y] = pointerPosition(canvas, frame, event);
  if (x < 0 || y < 0 || x >= frame.width || y >= frame.height) return null;
  const [width, height] = cellSides({ frame, viewport });
  const row = Math.min(Math.floor(y / height + viewport.y), frame.rows - 1);
  return [row, Math.min(Math.floor(x / width + viewport.x), frame.columns - 1)];
}

/**
 * A pointer's position in device pixels from the corner of the cells.
 * @param {HTMLCanvasElement} canvas - What is pointed at.
 * @param {Frame} frame - Where its cells lie.
 * @param {MouseEvent} event - Where the pointer is.
 * @returns {[number, number]} x and y.
 */
export function pointerPosition(canvas, { pixelRatio, left, top }, event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * pixelRatio - left, (event.clientY - box.top) * pixelRatio - top];
}

/**
 * Zooms so that what lies at a position stays there.
 * @param {{ frame: Frame, viewport: Viewport }} view - Gets another viewport.
 * @param {number} factor - How much larger than now.
 * @param {[number, number]} position - Device pixels from the corner of the cells.
 */
export function zoomAt(view, factor, [x, y]) {
  const [width, height] = cellSides(view);
  const { frame, viewport } = view;
  const scale = clamp(viewport.scale * factor, 1, frame.maxScale);
  const shift = 1 - viewport.scale / scale;
  setViewport(view, scale, viewport.x + (x / width) * shift, viewport.y + (y / height) * shift);
}

/**
 * Shows the cells from a column and a row on; never beyond the last one.
 * @param {{ frame: Frame, viewport: Viewport }} view - Gets another viewport.
 * @param {number} scale - How much larger than the whole picture.
 * @param {number} x - The column at the left edge.
 * @param {number} y - The row at the upper edge.
 */
export function setViewport(view, scale, x, y) {
  const { rows, columns } = view.frame;
  const limit = (first, count) => clamp(first, 0, count - count / scale);
  view.viewport = { scale, x: limit(x, columns), y: limit(y, rows) };
}

/**
 * Moves as little as needed to see a cell.
 * @param {{ frame: Frame, viewport: Viewport }} view - Gets another viewport.
 * @param {[number, number]} cell - Row and column.
 */
export function bringIntoView(view, [row, column]) {
  const { frame, viewport } = view;
  const nearest = (first, count, index) => Math.min(Math.max(first, index + 1 - count / viewport.scale), index);
  const x = nearest(viewport.x, frame.columns, column);
  setViewport(view, viewport.scale, x, nearest(viewport.y, frame.rows, row));
}
