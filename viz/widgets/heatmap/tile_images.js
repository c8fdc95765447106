// Tiles of a map as pixels, drawn where their cells lie.

import { createPixelImage, packColor, pixelRanges, poolMaxAbs } from "../shared/pixels.js";
import { cellCorner, cellSides } from "./geometry.js";
import { drawHatch } from "./hatch.js";
import { colorIndices, linearIndices } from "./scale.js";
import { drawnTiles } from "./tiles.js";

/**
 * Draws the tiles that are seen into the frame.
 * @param {object} view - The heat map.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ scale: string[] }} colors - Of the theme.
 * @param {[string, string]} hatch - Ground and lines of what is impossible.
 */
export function drawTiles(view, context, colors, hatch) {
  const { left, top, width, height } = view.frame;
  const [cellWidth, cellHeight] = cellSides(view);
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.imageSmoothingEnabled = false;
  for (const tile of drawnTiles(view)) {
    const [x, y] = cellCorner(view, tile.top, tile.left);
    const size = [(tile.right - tile.left) * cellWidth, (tile.bottom - tile.top) * cellHeight];
    context.drawImage(imageOf(view, tile, colors.scale, hatch[0], ...size), x, y, ...size);
    if (tile.impossible) drawHatch(view, context, hatch[1], tile);
  }
  context.restore();
}

/** One pixel each, or fewer where there is less room: then the strongest of those it stands for. */
function imageOf(view, tile, scale, ground, width, height) {
  const columns = Math.min(tile.columns, Math.ceil(width));
  const rows = Math.min(tile.rows, Math.ceil(height));
  const style = [view.root.dataset.theme, Boolean(view.linear), columns, rows].join();
  if (tile.style === style) return tile.image;
  const indices = indicesOf(view, tile, scale.length);
  const colors = Uint32Array.from([...scale, ground], packColor);
  const zero = view.data.signed ? (scale.length - 1) / 2 : 0;
  const [down, across] = [pixelRanges(rows, tile.rows), pixelRanges(columns, tile.columns)];
  const image = createPixelImage(columns, rows, (pixels) => {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        pixels[y * columns + x] = colors[poolMaxAbs(indices, tile.columns, down[y], across[x], zero, scale.length)];
      }
    }
  });
  Object.assign(tile, { style, image });
  return image;
}

/** The place of each pixel in the color scale. */
function indicesOf({ data, linear }, tile, nColors) {
  if (tile.values) return colorIndices(tile.values, data, linear, nColors, tile.impossible);
  if (!linear) return tile.levels;
  const squares = linearIndices(data.signed, nColors);
  return tile.levels.map((level) => squares[level]);
}
