// The loss and the gradient norm of each layer over the epochs, with a marker at the frame.

import { shortNumber } from "./frames.js";

const LEFT = 70; // CSS pixels for the names of rows and numbers of the axis
const RIGHT = 46; // for the numbers at the marker, where there are any
const LOSS_HEIGHT = 120;
const ROW_HEIGHT = 13;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Lets the reader point at a moment of the training.
 * @param {Element} root - The element of the film.
 * @param {(target: EventTarget, type: string, react: (event: Event) => void) => void} on - Listens.
 * @param {(epoch: number) => void} onPick - Called with how many epochs are done then.
 */
export function followCurves(root, on, onPick) {
  for (const name of [".loss", ".norms"]) {
    const picture = root.querySelector(name);
    on(picture, "click", (event) => {
      const { left, width } = picture.getBoundingClientRect();
      const share = (event.clientX - left - LEFT) / (width - LEFT - RIGHT);
      onPick(Math.max(0, Math.min(1, share)) * Number(picture.dataset.end));
    });
  }
}

/**
 * Draws both, with the marker at the frame that is shown.
 * @param {object} view - The film.
 */
export function drawCurves(view) {
  const { root, data } = view;
  const width = root.querySelector(".curves").clientWidth;
  if (!width) return;
  const { curves, frames } = data;
  const scale = (epoch) => LEFT + (epoch / curves.end) * (width - LEFT - RIGHT);
  const marker = scale(frames[view.index].epoch);
  for (const name of [".loss", ".norms"]) root.querySelector(name).dataset.end = curves.end;
  drawLoss(view, width, scale, marker);
  drawNorms(view, width, scale, marker);
}

function drawLoss({ root, data, index }, width, scale, marker) {
  const svg = root.querySelector(".loss");
  const { training, validation, end } = data.curves;
  const values = [...training, ...validation].map(([, loss]) => loss);
  const top = values.length ? Math.max(...values) * 1.05 || 1 : 1;
  const y = (loss) => 6 + (1 - loss / top) * (LOSS_HEIGHT - 28);
  const bottom = y(0);
  const place = ([epoch, loss]) => `${scale(epoch).toFixed(1)},${y(loss).toFixed(1)}`;
  root.querySelector(".key.validation").hidden = !validation.length;
  svg.setAttribute("width", width);
  svg.setAttribute("height", LOSS_HEIGHT);
  svg.setAttribute("aria-label", `The loss over ${end} epochs; the marker is at ${data.frames[index].name}.`);
  const gridLines = [0, top / 2, top / 1.05].map((loss) => line(LEFT, y(loss), width - RIGHT, y(loss), "grid"));
  const numbers = [0, top / 2, top / 1.05].map((loss) => label(shortNumber(loss), LEFT - 6, y(loss) + 3, "end"));
  const kept = data.frames.map(({ epoch }) => line(scale(epoch), bottom, scale(epoch), bottom + 4, "kept"));
  const dots = validation.map((point) => {
    const [cx, cy] = place(point).split(",");
    return shape("circle", { cx, cy, r: 3.5, class: "validation" });
  });
  svg.replaceChildren(
    ...gridLines,
    ...numbers,
    ...kept,
    label("epoch 0", LEFT, LOSS_HEIGHT - 3, "start"),
    label(shortNumber(end), width - RIGHT, LOSS_HEIGHT - 3, "end"),
    shape("polyline", { points: training.map(place).join(" "), class: "training" }),
    ...dots,
    line(marker, 2, marker, bottom + 4, "marker"),
  );
}

function drawNorms({ root, data, index }, width, scale, marker) {
  const canvas = root.querySelector(".norms");
  const { norms } = data.curves;
  canvas.hidden = root.querySelector(".norms-title").hidden = !norms;
  if (!norms) return;
  const theme = data.themes[root.dataset.theme ?? "light"];
  const ratio = window.devicePixelRatio || 1;
  const height = norms.names.length * ROW_HEIGHT;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const edges = edgesOf(norms.epochs, data.curves.end).map(scale);
  const style = getComputedStyle(root);
  context.font = `10px ${style.fontFamily}`;
  context.textBaseline = "middle";
  const now = columnAt(norms.epochs, data.frames[index].epoch);
  norms.names.forEach((name, row) => {
    const top = row * ROW_HEIGHT;
    norms.values[row].forEach((value, column) => {
      if (value === null) return;
      context.fillStyle = theme.scale[Math.round(shareOf(value, norms) * (theme.scale.length - 1))];
      context.fillRect(edges[column], top, edges[column + 1] - edges[column] + 0.5, ROW_HEIGHT - 1);
    });
    context.fillStyle = style.color;
    context.textAlign = "right";
    context.fillText(name, LEFT - 6, top + ROW_HEIGHT / 2);
    context.textAlign = "left";
    context.fillText(written(norms.values[row][now]), width - RIGHT + 6, top + ROW_HEIGHT / 2);
  });
  context.fillStyle = theme.marker;
  context.fillRect(marker - 1, 0, 2, height);
  const numbers = norms.names.map((name, row) => `${name} ${written(norms.values[row][now])}`).join(", ");
  canvas.setAttribute("aria-label", `Gradient norms at ${data.frames[index].name}: ${numbers}.`);
}

/** A norm in digits; a dash where none was recorded. */
function written(norm) {
  return norm === null ? "–" : shortNumber(norm);
}

/** Where the columns begin and end: half-way between two measured steps. */
function edgesOf(epochs, end) {
  const middles = epochs.slice(1).map((epoch, column) => (epoch + epochs[column]) / 2);
  return [0, ...middles, end];
}

/** The last column that was measured up to a moment. */
function columnAt(epochs, epoch) {
  const column = epochs.findLastIndex((measured) => measured <= epoch + 1e-6);
  return Math.max(0, column);
}

/** Where a norm stands on the scale of colors, 0 to 1: by its logarithm. */
function shareOf(value, { least, most }) {
  if (!(value > 0)) return 0;
  if (most <= least) return 1;
  return Math.max(0, Math.min(1, Math.log(value / least) / Math.log(most / least)));
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function line(x1, y1, x2, y2, className) {
  return shape("line", { x1, y1, x2, y2, class: className });
}

function label(text, x, y, anchor) {
  const element = shape("text", { x, y, "text-anchor": anchor });
  element.textContent = text;
  return element;
}
