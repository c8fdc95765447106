// Where the cells of a heat map lie: the frame around them, and the part of them that is seen.

import { LABEL_STEP } from "./labels.js";

const TALLEST = 680; // CSS pixels of a heat map that does not fill the screen
const LARGEST_SQUARE = 64;
export const READABLE = 15; // a row or column this wide has room for its label
const ZOOMED = 56; // how large a cell can be made
export const TITLE = 20;
export const EDGE = 8;

/** The frame in device pixels, for the room that the page gives. */
export function fitFrame({ area, expanded, axes, values }, labels) {
  const [rows, columns] = [axes.queries.labels.length, axes.keys.labels.length];
  const ratio = window.devicePixelRatio || 1;
  const px = (length) => Math.round(length * ratio);
  const left = TITLE + labels.queries.width + 6;
  const tall = (expanded && area.clientHeight) || TALLEST;
  const size = (top) =>
    cellSize(rows, columns, area.clientWidth - left - EDGE, Math.max(tall - top - EDGE, 80));
  const upright = TITLE + LABEL_STEP + 6;
  let [top, cell, level] = [upright, size(upright), true];
  if (labels.keys.width + EDGE > cell.wide) {
    top = TITLE + labels.keys.width + 6;
    [cell, level] = [size(top), false];
  }
  const [width, height] = [cell.wide * columns, cell.high * rows].map((length) => Math.max(px(length), 1));
  const most = Math.max(2, ZOOMED / Math.min(cell.wide, cell.high));
  return { ratio, px, rows, columns, left: px(left), top: px(top), width, height, level, most, values };
}

/** Square cells; where a map is much longer than wide, or wider than long, its few are larger. */
function cellSize(rows, columns, room, tall) {
  const [wide, high] = [room / columns, tall / rows].map((side) => Math.min(side, LARGEST_SQUARE));
  const side = Math.min(wide, high);
  if (rows === columns) return { wide: side, high: side };
  const least = Math.max(side, READABLE);
  return { wide: Math.min(wide, least), high: Math.min(high, least) };
}

/** The sides of a cell in device pixels, as zoomed. */
export function cellSides({ place, zoom }) {
  return [(place.width / place.columns) * zoom.by, (place.height / place.rows) * zoom.by];
}

/** The left top corner of a cell in device pixels. */
export function cornerOf(view, row, column) {
  const [wide, high] = cellSides(view);
  const { place, zoom } = view;
  return [place.left + (column - zoom.x) * wide, place.top + (row - zoom.y) * high];
}

/** Which row and column a pointer is at; null outside. */
export function cellAt({ canvas, place, zoom, ...view }, event) {
  if (!place) return null;
  const [x, y] = within(canvas, place, event);
  if (x < 0 || y < 0 || x >= place.width || y >= place.height) return null;
  const [wide, high] = cellSides({ place, zoom });
  const row = Math.min(Math.floor(y / high + zoom.y), place.rows - 1);
  return [row, Math.min(Math.floor(x / wide + zoom.x), place.columns - 1)];
}

/** A pointer's place in device pixels from the corner of the cells. */
export function within(canvas, { ratio, left, top }, event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * ratio - left, (event.clientY - box.top) * ratio - top];
}

/** Zooms by `factor` so that what lies at `x`, `y` (device pixels within the cells) stays there. */
export function zoomAt(view, factor, [x, y]) {
  const [wide, high] = cellSides(view);
  const { place, zoom } = view;
  const by = Math.min(Math.max(zoom.by * factor, 1), place.most);
  const moved = 1 - zoom.by / by;
  moveTo(view, by, zoom.x + (x / wide) * moved, zoom.y + (y / high) * moved);
}

/** Shows the cells from column `x` and row `y` on; never beyond the last one. */
export function moveTo(view, by, x, y) {
  const { rows, columns } = view.place;
  const clip = (from, count) => Math.min(Math.max(from, 0), count - count / by);
  view.zoom = { by, x: clip(x, columns), y: clip(y, rows) };
}

/** Moves as little as needed to see a cell. */
export function bringIntoSight(view, [row, column]) {
  const { place, zoom } = view;
  const near = (from, count, index) => Math.min(Math.max(from, index + 1 - count / zoom.by), index);
  moveTo(view, zoom.by, near(zoom.x, place.columns, column), near(zoom.y, place.rows, row));
}
