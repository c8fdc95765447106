// Pairs of tokens that can't look at each other: a hatch, and what it means.

import { createElement } from "./elements.js";

export const LABEL = "can't be looked at"; // a key, by the query in question
export const QUERY_LABEL = "can't look at it"; // a query, at the key in question
export const REASON = "a causal mask or a window forbids it";
const [PITCH, LINE] = [4, 1]; // CSS pixels from line to line along a row, and of a line

/**
 * Whether a pixel lies on a line of the hatch.
 * @param {number} x - Pixels from the left.
 * @param {number} y - Pixels from the top.
 * @param {(length: number) => number} px - CSS pixels in device pixels.
 * @returns {boolean} False on the ground between lines.
 */
export function isHatchLine(x, y, px) {
  return (x + y) % Math.max(3, px(PITCH)) < Math.max(1, px(LINE));
}

/**
 * The lines of the hatch, to fill a shape with; what is between them stays as it is.
 * @param {CanvasRenderingContext2D} context - What is drawn on.
 * @param {string} color - Of the lines.
 * @param {(length: number) => number} px - CSS pixels in device pixels.
 * @returns {CanvasPattern} The pattern.
 */
export function createHatch(context, color, px) {
  const side = Math.max(3, px(PITCH));
  const tile = new OffscreenCanvas(side, side);
  const pen = tile.getContext("2d");
  pen.fillStyle = color;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) if (isHatchLine(x, y, px)) pen.fillRect(x, y, 1, 1);
  }
  return context.createPattern(tile, "repeat");
}

/**
 * Gives the elements of a picture the hatch, and its legend an entry; takes both away where nothing
 * is impossible.
 * @param {HTMLElement} root - The picture.
 * @param {{ hatch: Record<string, [string, string]> } | undefined} impossible - Of the payload.
 */
export function updateHatch(root, impossible) {
  for (const [theme, [ground, line]] of Object.entries(impossible?.hatch ?? {})) {
    const lines = `${line} 0 ${LINE}px, ${ground} ${LINE}px ${PITCH / Math.SQRT2}px`;
    root.style.setProperty(`--hatch-${theme}`, `repeating-linear-gradient(-45deg, ${lines})`);
  }
  const legend = root.querySelector(".legend");
  legend?.querySelector(".impossible-entry")?.remove();
  if (!legend || !impossible) return;
  const entry = createElement("span", "impossible-entry", LABEL);
  entry.title = REASON;
  entry.prepend(createElement("span", "hatch"));
  legend.append(entry);
}
