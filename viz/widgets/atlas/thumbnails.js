// A grid of thumbnails as pixels: one byte for each of their pixels comes in, a picture of the right
// size goes out.

import { isHatchLine } from "../shared/impossible.js";
import { clamp } from "../shared/numbers.js";
import { createPixelImage, packColor, pixelRanges, poolMaxAbs } from "../shared/pixels.js";
import { scaleOf } from "./order.js";

// CSS pixels.
export const LABEL_WIDTH = 38;
export const LABEL_HEIGHT = 20;
const MAX_THUMBNAIL_SIDE = 120;
const MIN_THUMBNAIL_WIDTH = 42; // what the name under a thumbnail needs: "L11 H11"
const MAX_ASPECT = 2.5; // a thumbnail is at most so many times longer than wide, or wider than long

/**
 * A thumbnail: a head, or a mean where `row` or `column` lies behind the last.
 * @typedef {object} Cell
 * @property {number} row - The layer.
 * @property {number} column - The head.
 * @property {number} x - Device pixels from the left.
 * @property {number} y - Device pixels from the top.
 */

/**
 * Where thumbnails lie, in device pixels.
 * @typedef {object} Layout
 * @property {number} pixelRatio - Device pixels of a CSS pixel.
 * @property {(length: number) => number} px - CSS pixels in device pixels.
 * @property {number} width - Of the picture.
 * @property {number} height - Of the picture.
 * @property {number} cellWidth - Of a thumbnail.
 * @property {number} cellHeight - Of a thumbnail.
 * @property {number} gap - Between two thumbnails.
 * @property {number} textHeight - Of the text below a thumbnail that belongs to it.
 * @property {Cell[]} cells - In the order that is shown.
 * @property {Cell[][]} lines - The same, line by line.
 * @property {{ title: string, y: number }[]} titles - Of groups.
 */

/**
 * Lays out the thumbnails for the width that the page gives: without groups in their rows and
 * columns, with them one after another.
 * @param {{ root: HTMLElement, data: object }} view - The atlas.
 * @param {import("./order.js").Group[] | null} groups - What is sorted.
 * @returns {Layout} Where they lie.
 */
export function layOutThumbnails({ root, data }, groups) {
  const pixelRatio = window.devicePixelRatio || 1;
  const px = (length) => Math.round(length * pixelRatio);
  const room = Math.floor(root.clientWidth * pixelRatio);
  const aspect = clamp(data.shape[0] / data.shape[1], 1 / MAX_ASPECT, MAX_ASPECT);
  const maxWidth = px(MAX_THUMBNAIL_SIDE / Math.max(1, aspect));
  const sizeFor = (width) => {
    const cellWidth = Math.max(2, Math.min(maxWidth, Math.floor(width)));
    const cellHeight = Math.max(2, Math.round(cellWidth * aspect));
    return { pixelRatio, px, margin: px(3), cellWidth, cellHeight };
  };
  return groups ? layOutGroups(room, sizeFor, px, groups, data.heads + 1) : layOutGrid(room, sizeFor, px, data);
}

function layOutGrid(room, sizeFor, px, { layers, heads }) {
  const [left, top, gap, meansGap] = [LABEL_WIDTH, LABEL_HEIGHT, 3, 6].map(px);
  const size = sizeFor((room - left - meansGap - px(3) - heads * gap) / (heads + 1));
  const { cellWidth, cellHeight, margin } = size;
  const x = (column) => left + column * (cellWidth + gap) + (column === heads ? meansGap : 0);
  const y = (row) => top + row * (cellHeight + gap) + (row === layers ? meansGap : 0);
  const lines = Array.from({ length: layers + 1 }, (_, row) =>
    Array.from({ length: heads + 1 }, (_, column) => ({ row, column, x: x(column), y: y(row) })),
  );
  const width = x(heads) + cellWidth + margin;
  const height = y(layers) + cellHeight + margin;
  return { ...size, width, height, gap, x, y, cells: lines.flat(), lines, textHeight: 0, titles: [] };
}

/** Groups below one another, each with its title and room for the lines of text of a thumbnail. */
function layOutGroups(room, sizeFor, px, groups, maxPerLine) {
  const [gap, textHeight, titleHeight] = [6, 12, 24].map(px);
  const fitting = Math.floor((room - px(6) + gap) / (px(MIN_THUMBNAIL_WIDTH) + gap));
  const perLine = Math.max(1, Math.min(maxPerLine, fitting));
  const size = sizeFor((room - px(6) - (perLine - 1) * gap) / perLine);
  const { cellWidth, cellHeight, margin } = size;
  const [lines, titles] = [[], []];
  let y = margin;
  for (const { title, heads, textLines } of groups) {
    if (title) {
      titles.push({ title, y: y + titleHeight / 2 });
      y += titleHeight;
    }
    for (let first = 0; first < heads.length; first += perLine) {
      const line = heads.slice(first, first + perLine);
      lines.push(line.map((head, column) => ({ ...head, x: margin + column * (cellWidth + gap), y })));
      y += cellHeight + textLines * textHeight + px(8);
    }
  }
  const width = Math.min(room, 2 * margin + perLine * (cellWidth + gap) - gap);
  return { ...size, width, height: y, gap, cells: lines.flat(), lines, textHeight, titles };
}

/**
 * The cell at a position, the text below it and half the gaps around it included.
 * @param {Layout} layout - Where cells lie.
 * @param {number} x - Device pixels from the left.
 * @param {number} y - Device pixels from the top.
 * @returns {Cell | null} Null between cells.
 */
export function cellAt({ cells, cellWidth, cellHeight, gap, textHeight }, x, y) {
  const isInside = (position, start, size) => position >= start - gap / 2 && position < start + size + gap / 2;
  const hit = (cell) => isInside(x, cell.x, cellWidth) && isInside(y, cell.y, cellHeight + textHeight);
  return cells.find(hit) ?? null;
}

/**
 * Draws all thumbnails, enlarged to whole pixels or shrunk by max-abs pooling.
 * @param {object} view - The atlas.
 * @param {{ scale: string[], line: string }} colors - Of the theme.
 * @returns {OffscreenCanvas} The picture without its labels.
 */
export function drawThumbnails(view, colors) {
  const { data, levels, layout, settings, root } = view;
  const { width, height, cellWidth, cellHeight } = layout;
  const { rows, columns } = data;
  const [colorScale, line] = [colors.scale.map(packColor), packColor(colors.line)];
  const [down, across] = [pixelRanges(cellHeight, rows), pixelRanges(cellWidth, columns)];
  const hasOwnScale = scaleOf(view) === "own";
  const largest = largestPeak(data);
  const hatch = data.impossible?.hatch[root.dataset.theme].map(packColor);
  return createPixelImage(width, height, (pixels) => {
    for (const { row, column, x, y } of layout.cells) {
      const index = row * (data.heads + 1) + column;
      const corner = y * width + x;
      drawBorder(pixels, line, corner, layout);
      const peak = hasOwnScale ? 1 : Math.abs(data.peaks[index]) / largest;
      const colorTable = colorsOfLevels(colorScale, data, settings.curve, peak);
      const thumbnail = levels.subarray(index * rows * columns, (index + 1) * rows * columns);
      fillThumbnail(pixels, corner, { ...view, colorTable, hatch }, thumbnail, down, across);
    }
  });
}

function fillThumbnail(pixels, corner, { data, layout, colorTable, hatch }, levels, down, across) {
  const { max_level: maxLevel, columns } = data;
  const impossible = data.impossible?.level;
  for (let y = 0; y < down.length; y++) {
    for (let x = 0; x < across.length; x++) {
      const level = poolMaxAbs(levels, columns, down[y], across[x], 0, impossible);
      const isHatched = level === impossible;
      const color = isHatched ? hatch[Number(isHatchLine(x, y, layout.px))] : colorTable[level + maxLevel];
      pixels[corner + y * layout.width + x] = color;
    }
  }
}

/**
 * The color of each level from the lowest to the highest.
 * @param {number[]} colorScale - The colors of the scale as pixels.
 * @param {{ max_level: number, signed: boolean }} data - What levels mean.
 * @param {string} curve - "linear", or "root" for square roots.
 * @param {number} peak - What part of the color scale the head reaches, 0 to 1.
 * @returns {Uint32Array} A color for each of -max_level to max_level.
 */
export function colorsOfLevels(colorScale, { max_level: maxLevel, signed }, curve, peak) {
  const table = new Uint32Array(2 * maxLevel + 1);
  for (let level = -maxLevel; level <= maxLevel; level++) {
    // Levels are roots: what is not shown as roots is squared again.
    const value = (level / maxLevel) ** 2 * peak;
    const height = curve === "linear" ? value : Math.sqrt(value);
    const position = signed ? 0.5 + (Math.sign(level) * height) / 2 : height;
    table[level + maxLevel] = colorScale[Math.round(position * (colorScale.length - 1))];
  }
  return table;
}

/**
 * The largest size that a head's values reach.
 * @param {{ peaks: number[], largest?: number }} data - The payload; `largest` where pictures share one scale.
 * @returns {number} The size; 1 where all is 0.
 */
export function largestPeak({ peaks, largest: shared }) {
  if (shared) return shared;
  return peaks.reduce((largest, peak) => Math.max(largest, Math.abs(peak)), 0) || 1;
}

function drawBorder(pixels, color, corner, { cellWidth, cellHeight, width }) {
  for (let x = -1; x <= cellWidth; x++) {
    pixels[corner - width + x] = pixels[corner + cellHeight * width + x] = color;
  }
  for (let y = 0; y < cellHeight; y++) {
    pixels[corner + y * width - 1] = pixels[corner + y * width + cellWidth] = color;
  }
}
