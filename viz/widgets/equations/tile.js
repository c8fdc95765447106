// A term as a small heat map: exact values by pointer and by arrow keys.

import { createElement } from "../shared/elements.js";
import { hasModifier } from "../shared/keyboard.js";
import { createPixelImage, packColor } from "../shared/pixels.js";
import { showTooltip } from "../shared/tooltip.js";
import { cellAt, cellName, exactNumber, layOut, moveCell } from "./cells.js";

/**
 * What draws terms, and where it says what they are.
 * @typedef {object} View
 * @property {HTMLElement} root - The element of the component.
 * @property {HTMLElement} tooltip - For the value of a cell.
 * @property {HTMLElement} live - Tells a screen reader.
 * @property {object} data - The payload.
 * @property {Set<() => void>} redraws - Draw every picture again, in another theme.
 */

/**
 * A picture of a term.
 * @param {View} view - What it belongs to.
 * @param {import("./cells.js").Term} term - The term.
 * @param {Float32Array} values - What is drawn of it.
 * @param {{ width: number, height: number, side: number }} room - The most it may take.
 * @returns {HTMLCanvasElement} The picture.
 */
export function createPicture(view, term, values, room) {
  const canvas = document.createElement("canvas");
  const layout = layOut(term.drawn, room);
  const [width, height] = [layout.across * layout.width, layout.lines * layout.height];
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  canvas.layout = layout;
  canvas.cell = null;
  const draw = () => drawCells(canvas, view, term, values);
  view.redraws.add(draw);
  draw();
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    readCell(view, canvas, term, values, cellAt(layout, event.clientX - box.left, event.clientY - box.top));
  });
  canvas.addEventListener("pointerleave", () => readCell(view, canvas, term, values, null));
  return canvas;
}

function drawCells(canvas, { root, data }, term, values) {
  const { across, lines, width, height, count } = canvas.layout;
  const ratio = window.devicePixelRatio || 1;
  const scale = data.themes[root.dataset.theme ?? "light"].map(packColor);
  const middle = (scale.length - 1) / 2;
  const image = createPixelImage(across, lines, (pixels) => {
    for (let index = 0; index < count; index++) {
      const share = Math.max(-1, Math.min(1, values[index] / (term.largest || 1))) || 0;
      pixels[index] = scale[Math.round(middle + Math.sign(share) * Math.sqrt(Math.abs(share)) * middle)];
    }
  });
  Object.assign(canvas, { width: Math.round(across * width * ratio), height: Math.round(lines * height * ratio) });
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  if (canvas.cell === null) return;
  const [x, y] = [canvas.cell % across, Math.floor(canvas.cell / across)];
  context.strokeStyle = getComputedStyle(root).color;
  context.lineWidth = ratio;
  context.strokeRect(x * width * ratio, y * height * ratio, Math.max(width, 2) * ratio, Math.max(height, 2) * ratio);
}

/**
 * Reads a cell: outlines it and shows its value.
 * @param {View} view - What the picture belongs to.
 * @param {HTMLCanvasElement} canvas - The picture.
 * @param {import("./cells.js").Term} term - The term.
 * @param {Float32Array} values - What is drawn of it.
 * @param {number | null} cell - The cell; null reads none.
 * @param {boolean} [byKeyboard] - Whether a screen reader is told.
 */
export function readCell(view, canvas, term, values, cell, byKeyboard = false) {
  if (cell === canvas.cell && !byKeyboard) return;
  canvas.cell = cell;
  drawCells(canvas, view, term, values);
  view.tooltip.hidden = true;
  if (cell === null) return;
  const { across, width, height } = canvas.layout;
  const box = canvas.getBoundingClientRect();
  const [x, y] = [(cell % across) * width, Math.floor(cell / across) * height];
  const isBlock = term.block[0] * term.block[1] > 1;
  const value = (isBlock ? "strongest " : "") + exactNumber(values[cell]);
  const parts = [createElement("b", "", value)];
  const name = [term.factors?.[cell], cellName(term, cell, view.data)].filter(Boolean).join(" · ");
  if (name) parts.push(createElement("small", "", name));
  showTooltip(view.tooltip, parts, new DOMRect(box.left + x, box.top + y, width, height));
  if (byKeyboard) view.live.textContent = `${value}, ${name}`;
}

/**
 * Lets arrow keys read the cells of a picture that stands in an element.
 * @param {View} view - What it belongs to.
 * @param {HTMLElement} element - What has the focus.
 * @param {HTMLCanvasElement} canvas - The picture.
 * @param {import("./cells.js").Term} term - The term.
 * @param {Float32Array} values - What is drawn of it.
 */
export function readByKeys(view, element, canvas, term, values) {
  element.addEventListener("keydown", (event) => {
    if (hasModifier(event)) return;
    if (event.key === "Escape" && canvas.cell !== null) {
      event.stopPropagation(); // the next one leads back
      readCell(view, canvas, term, values, null);
    }
    const next = moveCell(event.key, canvas.cell ?? 0, canvas.layout);
    if (next === null) return;
    event.preventDefault();
    readCell(view, canvas, term, values, canvas.cell === null ? 0 : next, true);
  });
  element.addEventListener("blur", () => readCell(view, canvas, term, values, null));
}
