// The cells of a heat map as pixels; where they are smaller than pixels, the strongest of each.

import { createHatch, isHatchLine } from "../shared/impossible.js";
import { createPixelImage, packColor, pixelRanges, poolMaxAbs } from "../shared/pixels.js";
import { READABLE_SIDE, cellCorner, cellSides } from "./geometry.js";

/**
 * The color of each cell as an index into the color scale: 0 is its first color, or its middle one
 * if values are signed.
 * @param {ArrayLike<number>} values - The values of all cells.
 * @param {{ signed: boolean, largest: number }} data - What the scale reaches.
 * @param {boolean} linear - Whether colors follow the values themselves, not their square roots.
 * @param {number} nColors - How many colors the scale has.
 * @param {Uint8Array | null} [impossible] - 1 for each cell that can't be looked at.
 * @returns {Uint8Array} One index for each value; `nColors` where it is impossible.
 */
export function colorIndices(values, { signed, largest }, linear, nColors, impossible = null) {
  const indices = new Uint8Array(values.length);
  const last = nColors - 1;
  const [zero, span] = signed ? [last / 2, last / 2] : [0, last];
  for (let index = 0; index < values.length; index++) {
    const share = Math.min(Math.abs(values[index]) / (largest || 1), 1) || 0;
    const height = (linear ? share : Math.sqrt(share)) * span;
    indices[index] = Math.round(values[index] < 0 ? zero - (signed ? height : 0) : zero + height);
    if (impossible?.[index]) indices[index] = nColors;
  }
  return indices;
}

/** One pixel a cell; what is impossible is the ground of its hatch. */
function createCellImage(indices, colorScale, [ground], columns, rows) {
  const colors = Uint32Array.from([...colorScale, ground], packColor);
  return createPixelImage(columns, rows, (pixels) => {
    for (let index = 0; index < indices.length; index++) pixels[index] = colors[indices[index]];
  });
}

/** One pixel for the strongest of the cells that it covers; hatched where all are impossible. */
function createPooledImage({ frame, viewport, data }, indices, colorScale, hatch) {
  const { columns, rows, width, height, px } = frame;
  const colors = Uint32Array.from([...colorScale, ...hatch], packColor);
  const impossible = colorScale.length;
  const across = pixelRanges(width, columns, viewport.x, viewport.scale);
  const down = pixelRanges(height, rows, viewport.y, viewport.scale);
  const zero = data.signed ? (impossible - 1) / 2 : 0;
  return createPixelImage(width, height, (pixels) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const strongest = poolMaxAbs(indices, columns, down[y], across[x], zero, impossible);
        const isLine = strongest === impossible && isHatchLine(x, y, px);
        pixels[y * width + x] = colors[strongest + Number(isLine)];
      }
    }
  });
}

/**
 * Draws the cells that are seen into the frame.
 * @param {object} view - The heat map.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ scale: string[], line: string }} colors - Of the theme.
 */
export function drawCells(view, context, colors) {
  const { frame, viewport } = view;
  const { left, top, width, height, columns, rows, px } = frame;
  const [cellWidth, cellHeight] = cellSides(view);
  const smallest = Math.min(cellWidth, cellHeight);
  view.indices ??= colorIndices(view.values, view.data, view.linear, colors.scale.length, view.impossible);
  const hatch = view.data.impossible?.hatch[view.root.dataset.theme] ?? [colors.line, colors.line];
  if (smallest < 1) {
    context.drawImage(createPooledImage(view, view.indices, colors.scale, hatch), left, top);
  } else {
    view.image ??= createCellImage(view.indices, colors.scale, hatch, columns, rows);
    const { scale, x, y } = viewport;
    context.imageSmoothingEnabled = false;
    context.drawImage(view.image, x, y, columns / scale, rows / scale, left, top, width, height);
    if (view.impossible) drawHatch(view, context, hatch[1]);
  }
  context.strokeStyle = colors.line;
  context.lineWidth = px(1);
  if (smallest >= px(READABLE_SIDE)) drawGridLines(view, context);
  const line = context.lineWidth;
  context.strokeRect(left - line / 2, top - line / 2, width + line, height + line);
}

/** The lines of the hatch, over all cells of a row that follow one another at a time. */
function drawHatch(view, context, color) {
  const { left, top, width, height, columns, rows, px } = view.frame;
  const [cellWidth, cellHeight] = cellSides(view);
  const { scale, x, y } = view.viewport;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.beginPath();
  const [firstRow, endRow] = [Math.floor(y), Math.min(Math.ceil(y + rows / scale), rows)];
  const [firstColumn, endColumn] = [Math.floor(x), Math.min(Math.ceil(x + columns / scale), columns)];
  for (let row = firstRow; row < endRow; row++) {
    for (const [start, end] of runs(view.impossible, row * columns, firstColumn, endColumn)) {
      context.rect(...cellCorner(view, row, start), (end - start) * cellWidth, cellHeight);
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

/** Thin lines between cells that are large enough to bear them. */
function drawGridLines(view, context) {
  const { left, top, width, height, columns, rows } = view.frame;
  context.beginPath();
  for (let column = Math.ceil(view.viewport.x); column < columns; column++) {
    const x = Math.round(cellCorner(view, 0, column)[0]);
    if (x > left && x < left + width) context.rect(x, top, 0, height);
  }
  for (let row = Math.ceil(view.viewport.y); row < rows; row++) {
    const y = Math.round(cellCorner(view, row, 0)[1]);
    if (y > top && y < top + height) context.rect(left, y, width, 0);
  }
  context.stroke();
}

/**
 * Outlines a cell, its row and its column.
 * @param {object} view - The heat map.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ accent: string }} colors - Of the theme.
 * @param {[number, number]} cell - Row and column.
 */
export function outlineCell(view, context, colors, [row, column]) {
  const { left, top, width, height, px } = view.frame;
  const [x, y] = cellCorner(view, row, column);
  const [cellWidth, cellHeight] = cellSides(view);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.strokeStyle = colors.accent;
  context.lineWidth = px(1);
  context.globalAlpha = 0.6;
  // Where cells are tiny, a line through them hides less than one on either side.
  const [across, down] = [cellWidth, cellHeight].map((side) => (side < px(5) ? 0 : side + px(1)));
  const columnX = across ? x - px(0.5) : x + cellWidth / 2;
  const rowY = down ? y - px(0.5) : y + cellHeight / 2;
  context.strokeRect(left - px(2), rowY, width + px(4), down);
  context.strokeRect(columnX, top - px(2), across, height + px(4));
  context.globalAlpha = 1;
  context.lineWidth = px(2);
  context.strokeRect(x - px(1), y - px(1), cellWidth + px(2), cellHeight + px(2));
  context.restore();
}
