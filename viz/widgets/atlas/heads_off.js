// Heads that are off: which they are, and the line through them.

import { headIndex } from "./descriptions.js";
import { headsOf } from "./profile.js";

const DIMMED = 0.72; // how much of a head that is off the ground covers

/**
 * Takes over what a server says is off, and whether it can turn heads off and on.
 * @param {object} view - The atlas.
 * @param {{ off?: [number, number][], toggles?: boolean }} selection - What came with a selection.
 */
export function takeOff(view, { off = [], toggles = false }) {
  view.off = new Set(off.map(([row, column]) => headIndex(view.data, { row, column })));
  const label = view.root.querySelector(".switch");
  label.hidden = !toggles;
  view.toggles = toggles && label.control.checked;
}

/**
 * Follows the switch by which clicks turn heads off and on.
 * @param {object} view - The atlas.
 * @param {(target: EventTarget, type: string, react: () => void) => void} on - Adds a listener.
 * @param {() => void} redraw - Draws the atlas again.
 */
export function followSwitch(view, on, redraw) {
  const { control } = view.root.querySelector(".switch");
  on(control, "change", () => {
    view.toggles = control.checked;
    redraw();
  });
}

/** What a click on a cell turns off: a head, or a layer by its mean; nothing by other means. */
function headsUnder({ data }, cell) {
  return cell.row < data.layers ? headsOf(data, cell) : [];
}

/**
 * Whether all heads that a cell stands for are off.
 * @param {object} view - The atlas.
 * @param {{ row: number, column: number }} cell - A head or a mean.
 * @returns {boolean} False for means over layers.
 */
export function isOff(view, cell) {
  const heads = headsUnder(view, cell);
  return heads.length > 0 && heads.every((head) => view.off?.has(head));
}

/**
 * Turns the heads of a cell off, or on where all of them are off, before a server says so.
 * @param {object} view - The atlas.
 * @param {{ row: number, column: number }} cell - A head, or the mean of a layer.
 */
export function flipHeads(view, cell) {
  const change = isOff(view, cell) ? "delete" : "add";
  for (const head of headsUnder(view, cell)) view.off[change](head);
}

/**
 * The mean of the layer whose name stands at a place; null elsewhere and where heads are sorted.
 * @param {object} view - The atlas.
 * @param {number} x - Device pixels from the left.
 * @param {number} y - Device pixels from the top.
 * @returns {import("./thumbnails.js").Cell | null} The cell.
 */
export function layerLabelAt({ data, layout, sorted, toggles }, x, y) {
  if (!toggles || sorted || x >= layout.x(0)) return null;
  const { cellHeight, gap, lines } = layout;
  const isBeside = (top) => y >= top - gap / 2 && y < top + cellHeight + gap / 2;
  const row = lines.slice(0, data.layers).findIndex(([cell]) => isBeside(cell.y));
  return row < 0 ? null : lines[row][data.heads];
}

/**
 * Dims the heads that are off, with a line through each.
 * @param {object} view - The atlas.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ ground: string, muted: string }} colors - Of the theme.
 */
export function strikeHeads(view, context, colors) {
  const { cellWidth, cellHeight, cells, px } = view.layout;
  context.lineWidth = px(1.5);
  context.strokeStyle = colors.muted;
  context.fillStyle = colors.ground;
  for (const cell of cells) {
    if (!isOff(view, cell)) continue;
    context.globalAlpha = DIMMED;
    context.fillRect(cell.x, cell.y, cellWidth, cellHeight);
    context.globalAlpha = 1;
    context.beginPath();
    context.moveTo(cell.x, cell.y + cellHeight);
    context.lineTo(cell.x + cellWidth, cell.y);
    context.stroke();
  }
}
