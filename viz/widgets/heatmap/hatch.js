// The hatch over cells that can't be looked at.

import { createHatch } from "../shared/impossible.js";
import { cellCorner, cellSides } from "./geometry.js";

/**
 * Draws the lines of the hatch, over all pixels of a row that follow one another at a time.
 * @param {object} view - The heat map.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {string} color - Of the lines.
 * @param {import("./tiles.js").Tile} tile - What is impossible, and where.
 */
export function drawHatch(view, context, color, tile) {
  const { left, top, width, height, columns, rows, px } = view.frame;
  const { scale, x, y } = view.viewport;
  const [down, across] = [(tile.bottom - tile.top) / tile.rows, (tile.right - tile.left) / tile.columns];
  const [cellWidth, cellHeight] = cellSides(view);
  const [pixelWidth, pixelHeight] = [across * cellWidth, down * cellHeight];
  const within = (cell, first, size, count) => Math.min(Math.max((cell - first) / size, 0), count);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.beginPath();
  const endRow = Math.ceil(within(y + rows / scale, tile.top, down, tile.rows));
  const firstColumn = Math.floor(within(x, tile.left, across, tile.columns));
  const endColumn = Math.ceil(within(x + columns / scale, tile.left, across, tile.columns));
  for (let row = Math.floor(within(y, tile.top, down, tile.rows)); row < endRow; row++) {
    for (const [start, end] of runs(tile.impossible, row * tile.columns, firstColumn, endColumn)) {
      const corner = cellCorner(view, tile.top + row * down, tile.left + start * across);
      context.rect(...corner, (end - start) * pixelWidth, pixelHeight);
    }
  }
  context.fillStyle = createHatch(context, color, px);
  context.fill();
  context.restore();
}

/**
 * The stretches of a row that are set.
 * @param {ArrayLike<number>} flags - 1 or 0 for each cell, row after row.
 * @param {number} offset - Where the row begins.
 * @param {number} first - The first column that is looked through.
 * @param {number} end - The one behind the last.
 * @returns {[number, number][]} The first column of each stretch, and the one behind its last.
 */
export function runs(flags, offset, first, end) {
  const stretches = [];
  for (let column = first; column < end; column++) {
    if (!flags[offset + column]) continue;
    const start = column;
    while (column < end && flags[offset + column]) column++;
    stretches.push([start, column]);
  }
  return stretches;
}
