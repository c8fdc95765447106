// One map of attention at full resolution; its exact values by pointer or arrow keys.

import { decodeBits, decodeFloat32 } from "../shared/array_codec.js";
import { makeExpandable } from "../shared/expand.js";
import { updateHatch } from "../shared/impossible.js";
import { mount } from "../shared/mount.js";
import { formatNumber } from "../shared/numbers.js";
import { followTheme } from "../shared/page_theme.js";
import { drawCells, outlineCell } from "./cells.js";
import { MARGIN, TITLE_HEIGHT, cellCorner, cellSides, fitFrame, setViewport } from "./geometry.js";
import { listenToControls, listenToPointers, readCell } from "./interaction.js";
import { LABEL_SIZE, LABEL_STEP, drawAxisLabels, fitLabels } from "./labels.js";
import { beginTiles, decodeTile, listenForTiles, requestTiles } from "./tile_requests.js";
import { TileStore } from "./tiles.js";

const KEY_AXIS = "key: the token looked at";
const QUERY_AXIS = "query: the token that looks";
/** One ideograph, kana, syllable or emoji: turned by a quarter it would be hard to read. */
const UPRIGHT = /^.[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{Extended_Pictographic}]\uFE0F?.$/u;

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `heatmap/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(`.${name}`);
    const [stage, area, tooltip] = ["stage", "area", "tip"].map(find);
    const canvas = root.querySelector("canvas");
    const view = { root, stage, area, canvas, tooltip, find, viewport: { scale: 1, x: 0, y: 0 }, cell: null };
    view.describe = () => describe(view);
    view.redraw = () => view.data && drawHeatmap(view);
    view.readAgain = () => readCell(view, view.cell, view.byKeyboard);
    view.store = new TileStore();
    const observer = new ResizeObserver(view.redraw);
    observer.observe(area);
    const listeners = new AbortController();
    listenToControls(view, listeners.signal);
    listenToPointers(view, listeners.signal);
    listenForTiles(view, listeners.signal);
    document.fonts?.ready.then(() => {
      view.labels = null;
      view.redraw();
    });
    const stopTheme = followTheme(root, () => {
      view.image = null;
      view.redraw();
    });
    const stopExpanding = makeExpandable(view, "heatmap", canvas);
    view.show = ({ data }) => receive(view, data);
    view.stop = () => {
      observer.disconnect();
      listeners.abort();
      stopTheme();
      stopExpanding();
    };
    return view;
  });
}

async function receive(view, data) {
  const start = performance.now();
  const [values, removed] = await Promise.all(
    [data.values, data.removed].map((text) => text && decodeFloat32(text)),
  );
  const bits = data.impossible?.bits;
  const impossible = bits ? await decodeBits(bits, values.length) : null;
  const overview = data.tiled && (await decodeTile(data.tiled.overview, data.tiled.map));
  if (view.last.data !== data) return;
  const axes = { queries: data.queries, keys: data.keys ?? data.queries };
  const shape = (of) => of && [of.queries, of.keys].map(({ labels }) => labels.length).join();
  if (shape(view.axes) !== shape(axes)) {
    Object.assign(view, { viewport: { scale: 1, x: 0, y: 0 }, cell: null });
    view.tooltip.hidden = true;
  }
  Object.assign(view, { data, axes, values, removed, impossible, overview, labels: null, indices: null, image: null });
  if (data.tiled) beginTiles(view);
  updateHatch(view.root, data.impossible);
  describe(view);
  drawHeatmap(view);
  if (view.cell) view.readAgain();
  performance.measure("clsight:heatmap", { start });
}

/** The text around the picture. */
function describe({ root, canvas, data, find, linear }) {
  canvas.setAttribute("aria-label", data.label);
  find("place").textContent = data.title;
  find("note").textContent = data.note;
  find("lowest").textContent = data.signed ? formatNumber(-data.largest, true) : "0";
  find("highest").textContent = formatNumber(data.largest, data.signed);
  find("root-scale").setAttribute("aria-pressed", !linear);
  find("linear-scale").setAttribute("aria-pressed", Boolean(linear));
  for (const [theme, { ramp }] of Object.entries(data.themes)) {
    root.querySelector(".ramp").style.setProperty(`--${theme}`, ramp);
  }
}

function drawHeatmap(view) {
  const { area, canvas, axes, data, root } = view;
  if (!area.clientWidth) return;
  const context = canvas.getContext("2d");
  const family = getComputedStyle(root).fontFamily;
  if (view.labelsWidth !== area.clientWidth || !view.labels) {
    context.font = `600 ${LABEL_SIZE}px ${family}`;
    view.labels = {
      queries: fitLabels(context, axes.queries, Math.min(150, area.clientWidth * 0.25)),
      keys: fitLabels(context, axes.keys, 120),
    };
    view.labelsWidth = area.clientWidth;
  }
  const frame = (view.frame = fitFrame(view, view.labels));
  setViewport(view, Math.min(view.viewport.scale, frame.maxScale), view.viewport.x, view.viewport.y);
  const font = (weight) => `${weight} ${frame.px(LABEL_SIZE)}px ${family}`;
  context.font = font(400);
  resizeCanvas(view, context);
  const colors = data.themes[root.dataset.theme];
  drawCells(view, context, colors);
  if (view.cell) outlineCell(view, context, colors, view.cell);
  drawLabels(view, context, colors, font);
  updateTools(view);
  if (data.tiled) requestTiles(view);
}

/** Gives the canvas the size of the frame; a map of few tokens is narrower than its axes' names. */
function resizeCanvas({ canvas, frame, viewport }, context) {
  const [keyAxis, queryAxis] = [KEY_AXIS, QUERY_AXIS].map((name) => Math.ceil(context.measureText(name).width));
  const width = frame.left + Math.max(frame.width + frame.px(MARGIN), keyAxis);
  const height = frame.top + Math.max(frame.height + frame.px(MARGIN), queryAxis);
  Object.assign(canvas, { width, height });
  canvas.style.width = `${width / frame.pixelRatio}px`;
  canvas.style.height = `${height / frame.pixelRatio}px`;
  canvas.style.touchAction = viewport.scale > 1 ? "none" : "pan-x pan-y";
}

/** What stands around the picture follows its size and its zoom. */
function updateTools(view) {
  const { canvas, find, frame, viewport } = view;
  // A canvas has no elements to point at: this tells a script where its cells lie (CSS pixels).
  const lengths = [...cellCorner(view, 0, 0), ...cellSides(view)];
  canvas.dataset.grid = lengths.map((length) => length / frame.pixelRatio).join(" ");
  const width = `max(${canvas.width / frame.pixelRatio}px, 24rem)`;
  find("head").style.maxWidth = view.expanded ? "" : width;
  find("foot").style.maxWidth = width;
  find("out").disabled = find("whole").disabled = viewport.scale === 1;
  find("in").disabled = viewport.scale === frame.maxScale;
}

function drawLabels(view, context, colors, font) {
  const { labels, cell, frame } = view;
  const { left, top, width, height, px, horizontal } = frame;
  const [cellWidth, cellHeight] = cellSides(view);
  const style = { colors, font, step: px(LABEL_STEP) };
  context.textBaseline = "middle";
  context.textAlign = "right";
  const middleOfRow = (row) => cellCorner(view, row, 0)[1] + cellHeight / 2;
  const rows = { ...style, at: middleOfRow, from: top, to: top + height, active: cell?.[0] ?? null };
  drawAxisLabels(context, labels.queries, rows, (text, y) => context.fillText(text, left - px(6), y));
  const middleOfColumn = (column) => cellCorner(view, 0, column)[0] + cellWidth / 2;
  const columns = { ...style, at: middleOfColumn, from: left, to: left + width, active: cell?.[1] ?? null };
  if (horizontal) columns.step = px(labels.keys.width + MARGIN / 2);
  drawAxisLabels(context, labels.keys, columns, (text, x) => {
    const upright = horizontal || UPRIGHT.test(text);
    context.textAlign = upright ? "center" : "left";
    drawText(context, text, x, top - px(upright ? 12 : 6), !upright);
  });
  context.font = font(400);
  context.fillStyle = colors.muted;
  context.textAlign = "left";
  context.fillText(KEY_AXIS, left, px(TITLE_HEIGHT / 2 - 1));
  const bottom = top + context.measureText(QUERY_AXIS).width;
  drawText(context, QUERY_AXIS, px(TITLE_HEIGHT / 2 - 1), bottom, true);
}

/** Writes a text; `vertically` from the bottom to the top. */
function drawText(context, text, x, y, vertically) {
  context.save();
  context.translate(x, y);
  if (vertically) context.rotate(-Math.PI / 2);
  context.fillText(text, 0, 0);
  context.restore();
}
