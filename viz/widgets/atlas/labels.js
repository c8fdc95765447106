// What is drawn over the thumbnails: names, values, dimming, the outline of a head.

import { formatStatistic, headIndex, shortHeadName } from "./descriptions.js";
import { chosenStatistic, headFilter } from "./order.js";
import { LABEL_HEIGHT, LABEL_WIDTH } from "./thumbnails.js";

/**
 * Outlines a head.
 * @param {import("./thumbnails.js").Layout} layout - Where heads lie.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {import("./thumbnails.js").Cell} cell - Which head.
 * @param {string} color - Of the line.
 * @param {number} width - Of the line, in CSS pixels.
 */
export function outlineCell({ px, cellWidth, cellHeight }, context, { x, y }, color, width) {
  const thickness = px(width);
  context.strokeStyle = color;
  context.lineWidth = thickness;
  context.strokeRect(x - thickness / 2, y - thickness / 2, cellWidth + thickness, cellHeight + thickness);
}

/**
 * Dims the heads that are out of the chosen range, and the means.
 * @param {object} view - The atlas.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ ground: string }} colors - Of the theme.
 */
export function dimHeads(view, context, colors) {
  const { data, layout } = view;
  const isShown = headFilter(view);
  if (!isShown) return;
  context.globalAlpha = 0.82;
  context.fillStyle = colors.ground;
  for (const cell of layout.cells) {
    const head = headIndex(data, cell);
    if (head < 0 || !isShown(head)) context.fillRect(cell.x, cell.y, layout.cellWidth, layout.cellHeight);
  }
  context.globalAlpha = 1;
}

/** A function that writes one line of text: what, where, whether it is selected, how aligned. */
function textWriter({ layout, root }, context, colors, size) {
  const family = getComputedStyle(root).fontFamily;
  context.textBaseline = "middle";
  return (text, x, y, selected = false, align = "center") => {
    context.font = `${selected ? 600 : 400} ${layout.px(size)}px ${family}`;
    context.fillStyle = selected ? colors.accent : colors.muted;
    context.textAlign = align;
    context.fillText(text, x, y);
  };
}

/**
 * Writes the names of rows and columns; where they are narrow, only every second or third.
 * @param {object} view - The atlas.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ accent: string, muted: string }} colors - Of the theme.
 */
export function drawGridLabels(view, context, colors) {
  const { data, selected, layout } = view;
  const { px, cellWidth, cellHeight, gap, x, y, width } = layout;
  const write = textWriter(view, context, colors, 11);
  write("", 0, 0);
  const nameWidth = context.measureText(`H${data.heads - 1}`).width + px(5);
  const everyColumn = Math.ceil(nameWidth / (cellWidth + gap));
  const everyRow = Math.ceil(px(13) / (cellHeight + gap));
  for (let row = 0; row <= data.layers; row++) {
    const isMean = row === data.layers;
    if (row % everyRow && !isMean) continue;
    const middle = y(row) + cellHeight / 2;
    write(isMean ? "mean" : `L${row}`, px(LABEL_WIDTH - 6), middle, row === selected?.row, "right");
  }
  const meanWidth = context.measureText("mean").width;
  const limit = width - Math.max(meanWidth, cellWidth) - px(4);
  for (let column = 0; column < data.heads; column += everyColumn) {
    const middle = x(column) + cellWidth / 2;
    if (column && middle + nameWidth / 2 > limit) break;
    write(`H${column}`, middle, px(LABEL_HEIGHT / 2), column === selected?.column);
  }
  const [end, align] = meanWidth > cellWidth ? [width, "right"] : [x(data.heads) + cellWidth / 2, "center"];
  write("mean", end, px(LABEL_HEIGHT / 2), selected?.column === data.heads, align);
}

/**
 * Writes below each thumbnail its name and the value it is sorted by, and above each group its
 * title.
 * @param {object} view - The atlas.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {{ accent: string, muted: string }} colors - Of the theme.
 */
export function drawHeadLabels(view, context, colors) {
  const { data, layout, selected } = view;
  const { px, cellWidth, cellHeight, margin } = layout;
  const statistic = chosenStatistic(view);
  const write = textWriter(view, context, colors, 10);
  for (const cell of layout.cells) {
    const [middle, bottom] = [cell.x + cellWidth / 2, cell.y + cellHeight];
    const isSelected = cell.row === selected?.row && cell.column === selected?.column;
    write(shortHeadName(data, cell), middle, bottom + px(8), isSelected);
    const head = headIndex(data, cell);
    if (head >= 0 && statistic.name !== "pattern") {
      write(formatStatistic(statistic, statistic.values[head], true), middle, bottom + px(20), isSelected);
    }
  }
  const writeTitle = textWriter(view, context, colors, 11);
  for (const { title, y } of layout.titles) writeTitle(title, margin, y, false, "left");
}
