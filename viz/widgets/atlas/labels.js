// What is drawn over the thumbnails: names, values, dimming, the outline of a head.

import { headAt, written } from "./descriptions.js";
import { chosenFact, litBy } from "./order.js";
import { LABEL_HEIGHT, LABEL_WIDTH } from "./thumbnails.js";

export function outline({ px, wide, high }, pen, { x, y }, color, width) {
  const thick = px(width);
  pen.strokeStyle = color;
  pen.lineWidth = thick;
  pen.strokeRect(x - thick / 2, y - thick / 2, wide + thick, high + thick);
}

/** Lays the ground over heads that are out of the chosen range, and over the means. */
export function dim(view, pen, colors) {
  const { data, place } = view;
  const lit = litBy(view);
  if (!lit) return;
  pen.globalAlpha = 0.82;
  pen.fillStyle = colors.ground;
  for (const cell of place.cells) {
    const head = headAt(data, cell);
    if (head < 0 || !lit(head)) pen.fillRect(cell.x, cell.y, place.wide, place.high);
  }
  pen.globalAlpha = 1;
}

/** A function that writes one line of text: what, where, strong or not, from where. */
function writer({ place, root }, pen, colors, size) {
  const family = getComputedStyle(root).fontFamily;
  pen.textBaseline = "middle";
  return (text, x, y, chosen = false, align = "center") => {
    pen.font = `${chosen ? 600 : 400} ${place.px(size)}px ${family}`;
    pen.fillStyle = chosen ? colors.accent : colors.muted;
    pen.textAlign = align;
    pen.fillText(text, x, y);
  };
}

/** Names of rows and columns; where they are narrow, only every second or third. */
export function labelLines(view, pen, colors) {
  const { data, selected, place } = view;
  const { px, wide: cell, high, gap, x, y, width } = place;
  const write = writer(view, pen, colors, 11);
  write("", 0, 0);
  const wide = pen.measureText(`H${data.heads - 1}`).width + px(5);
  const across = Math.ceil(wide / (cell + gap));
  const down = Math.ceil(px(13) / (high + gap));
  for (let row = 0; row <= data.layers; row++) {
    const last = row === data.layers;
    if (row % down && !last) continue;
    write(last ? "mean" : `L${row}`, px(LABEL_WIDTH - 6), y(row) + high / 2, row === selected?.row, "right");
  }
  const mean = pen.measureText("mean").width;
  const limit = width - Math.max(mean, cell) - px(4);
  for (let column = 0; column < data.heads; column += across) {
    const middle = x(column) + cell / 2;
    if (column && middle + wide / 2 > limit) break;
    write(`H${column}`, middle, px(LABEL_HEIGHT / 2), column === selected?.column);
  }
  const [at, align] = mean > cell ? [width, "right"] : [x(data.heads) + cell / 2, "center"];
  write("mean", at, px(LABEL_HEIGHT / 2), selected?.column === data.heads, align);
}

/** Below each thumbnail its name and the value it is sorted by; above each group its title. */
export function labelHeads(view, pen, colors) {
  const { data, place, selected } = view;
  const { px, wide, high } = place;
  const fact = chosenFact(view);
  const write = writer(view, pen, colors, 10);
  for (const cell of place.cells) {
    const [middle, below] = [cell.x + wide / 2, cell.y + high];
    const chosen = cell.row === selected?.row && cell.column === selected?.column;
    write(shortName(data, cell), middle, below + px(8), chosen);
    const head = headAt(data, cell);
    if (head >= 0 && fact.name !== "pattern") {
      write(written(fact, fact.values[head], true), middle, below + px(20), chosen);
    }
  }
  const heading = writer(view, pen, colors, 11);
  for (const { title, y } of place.titles) heading(title, place.edge, y, false, "left");
}

function shortName({ layers, heads }, { row, column }) {
  if (row === layers && column === heads) return "all";
  return [row < layers && `L${row}`, column < heads && `H${column}`].filter(Boolean).join(" ");
}
