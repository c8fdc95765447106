// The cells of a heat map as pixels; where they are smaller than pixels, the strongest of each.

import { isHatchLine } from "../shared/impossible.js";
import { createPixelImage, packColor, pixelRanges, poolMaxAbs } from "../shared/pixels.js";
import { READABLE_SIDE, cellCorner, cellSides } from "./geometry.js";
import { drawHatch } from "./hatch.js";
import { colorIndices } from "./scale.js";
import { drawTiles } from "./tile_images.js";

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
  const hatch = view.data.impossible?.hatch[view.root.dataset.theme] ?? [colors.line, colors.line];
  if (view.data.tiled) {
    drawTiles(view, context, colors, hatch);
  } else if (smallest < 1) {
    context.drawImage(createPooledImage(view, indicesOf(view, colors.scale), colors.scale, hatch), left, top);
  } else {
    view.image ??= createCellImage(indicesOf(view, colors.scale), colors.scale, hatch, columns, rows);
    const { scale, x, y } = viewport;
    context.imageSmoothingEnabled = false;
    context.drawImage(view.image, x, y, columns / scale, rows / scale, left, top, width, height);
    if (view.impossible) drawHatch(view, context, hatch[1], wholeMap(view));
  }
  context.strokeStyle = colors.line;
  context.lineWidth = px(1);
  if (smallest >= px(READABLE_SIDE)) drawGridLines(view, context);
  const line = context.lineWidth;
  context.strokeRect(left - line / 2, top - line / 2, width + line, height + line);
}

function indicesOf(view, colorScale) {
  view.indices ??= colorIndices(view.values, view.data, view.linear, colorScale.length, view.impossible);
  return view.indices;
}

/** All cells of a map as one tile. */
function wholeMap({ frame: { rows, columns }, impossible }) {
  return { impossible, rows, columns, top: 0, left: 0, bottom: rows, right: columns };
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
