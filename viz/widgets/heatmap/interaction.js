// Moving about a heat map: by pointer, wheel, two fingers, buttons and keys.

import { createElement, focusedElement } from "../shared/elements.js";
import { hasModifier, moveInList } from "../shared/keyboard.js";
import { REASON } from "../shared/impossible.js";
import { EXACT_DECIMALS, formatNumber } from "../shared/numbers.js";
import { showTooltip } from "../shared/tooltip.js";
import {
  bringIntoView,
  cellCorner,
  cellSides,
  cellUnderPointer,
  pointerPosition,
  setViewport,
  zoomAt,
} from "./geometry.js";
import { truncate } from "./labels.js";
import { exactCell, isExactLevel } from "./tiles.js";

const ZOOM_STEP = 1.6; // of a button or a key
const DRAG_THRESHOLD = 4; // CSS pixels a pointer may tremble before a press is a drag
const WHEEL_LINE = 33; // CSS pixels of a line, where the wheel counts lines
const MAX_NAME_CHARACTERS = 32; // of a token in the tooltip
const ROW_KEYS = { previous: ["ArrowUp"], next: ["ArrowDown"], first: "PageUp", last: "PageDown" };
const COLUMN_KEYS = { previous: ["ArrowLeft"], next: ["ArrowRight"], first: "Home", last: "End" };
const ZOOM_KEYS = { "+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP, 0: 0 };

/**
 * Reacts to buttons and keys.
 * @param {object} view - The heat map.
 * @param {AbortSignal} signal - Ends it.
 */
export function listenToControls(view, signal) {
  const { canvas, find } = view;
  const on = (element, type, react) => element.addEventListener(type, react, { signal });
  const center = () => [view.frame.width / 2, view.frame.height / 2];
  on(find("in"), "click", () => view.frame && zoom(view, ZOOM_STEP, center()));
  on(find("out"), "click", () => view.frame && zoom(view, 1 / ZOOM_STEP, center()));
  on(find("whole"), "click", () => zoom(view, 0));
  on(find("root-scale"), "click", () => setLinear(view, false));
  on(find("linear-scale"), "click", () => setLinear(view, true));
  on(canvas, "keydown", (event) => onKeydown(view, event));
  on(canvas, "blur", () => view.byKeyboard && readCell(view, null));
}

function setLinear(view, linear) {
  Object.assign(view, { linear, indices: null, image: null });
  if (view.data) view.describe();
  view.redraw();
}

/** Zooms by a factor around a position in the frame; 0 shows the whole picture. */
function zoom(view, factor, position) {
  if (!view.frame) return;
  view.tooltip.hidden = true;
  if (factor) zoomAt(view, factor, position);
  else setViewport(view, 1, 0, 0);
  view.redraw();
}

function onKeydown(view, event) {
  if (!view.data || hasModifier(event)) return;
  if (event.key === "Escape") readCell(view, null);
  if (event.key === "Enter") selectCell(view);
  if (event.key in ZOOM_KEYS) {
    event.preventDefault();
    zoom(view, ZOOM_KEYS[event.key], cellCenter(view));
    return;
  }
  const { rows, columns } = view.frame;
  const [row, column] = view.cell ?? [0, 0];
  const nextRow = moveInList(event.key, row, rows, ROW_KEYS);
  const nextColumn = moveInList(event.key, column, columns, COLUMN_KEYS);
  if (nextRow === null && nextColumn === null) return;
  event.preventDefault();
  // The first key shows where one is.
  const next = view.cell ? [nextRow ?? row, nextColumn ?? column] : [row, column];
  bringIntoView(view, next);
  readCell(view, next, true);
}

/** Tells the page which cell the reader chose, where it wants to know. */
function selectCell({ cell, data, last }) {
  if (cell && data.selectable) last.setStateValue("cell", { row: cell[0], column: cell[1] });
}

/** The center of the cell that is read, or of the frame. */
function cellCenter(view) {
  const { frame, cell } = view;
  if (!cell) return [frame.width / 2, frame.height / 2];
  const [x, y] = cellCorner(view, ...cell);
  const [width, height] = cellSides(view);
  return [x - frame.left + width / 2, y - frame.top + height / 2];
}

/**
 * Reacts to pointers: hovering reads, dragging moves, the wheel and two fingers zoom.
 * @param {object} view - The heat map.
 * @param {AbortSignal} signal - Ends it.
 */
export function listenToPointers(view, signal) {
  const { canvas } = view;
  const on = (type, react, options) => canvas.addEventListener(type, react, { signal, ...options });
  const pressed = (view.pointers = new Map());
  on("pointerdown", (event) => {
    pressed.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    view.dragged = false;
  });
  on("pointermove", (event) => {
    if (pressed.has(event.pointerId)) drag(view, event);
    else readCell(view, cellUnderPointer(view, event));
  });
  const release = (event) => {
    pressed.delete(event.pointerId);
    if (event.type !== "pointerup" || view.dragged) return;
    readCell(view, cellUnderPointer(view, event));
    selectCell(view);
  };
  on("pointerup", release);
  on("pointercancel", release);
  on("pointerleave", () => !view.byKeyboard && readCell(view, null));
  on("dblclick", () => zoom(view, 0));
  on("wheel", (event) => onWheel(view, event), { passive: false });
}

/** The wheel belongs to the page, unless the picture has the focus, the screen, or Ctrl is held. */
function onWheel(view, event) {
  const isOurs = event.ctrlKey || view.expanded || focusedElement() === view.canvas;
  if (!isOurs || !view.frame) return;
  if (!event.ctrlKey && !view.expanded && view.viewport.scale === 1 && event.deltaY > 0) return;
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE : 1;
  const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0025));
  zoomAt(view, factor, pointerPosition(view.canvas, view.frame, event));
  view.redraw();
  readCell(view, cellUnderPointer(view, event));
}

function drag(view, event) {
  const { pointers, frame, viewport } = view;
  const before = pointers.get(event.pointerId);
  const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
  if (!view.dragged && Math.hypot(x, y) < DRAG_THRESHOLD) return;
  view.dragged = true;
  view.tooltip.hidden = true;
  const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
  if (other) {
    const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const factor = distance(event) / Math.max(distance(before), 1);
    zoomAt(view, factor, pointerPosition(view.canvas, frame, other));
  } else {
    const [width, height] = cellSides(view).map((side) => side / frame.pixelRatio);
    setViewport(view, viewport.scale, viewport.x - x / width, viewport.y - y / height);
  }
  pointers.set(event.pointerId, event);
  view.redraw();
}

/**
 * Reads a cell: outlines it and shows its value.
 * @param {object} view - The heat map.
 * @param {[number, number] | null} cell - Row and column; null reads none.
 * @param {boolean} [byKeyboard] - Whether a screen reader is told as well.
 */
export function readCell(view, cell, byKeyboard = false) {
  const { canvas, frame, tooltip } = view;
  if (!cell && !view.cell) return;
  const isSame = String(cell) === String(view.cell) && !tooltip.hidden;
  Object.assign(view, { cell, byKeyboard: byKeyboard && cell !== null });
  canvas.style.cursor = cell && view.viewport.scale > 1 ? "grab" : "default";
  if (isSame && !byKeyboard) return;
  view.redraw();
  tooltip.hidden = true;
  if (!cell) return;
  const content = describeCell(view, cell);
  const box = canvas.getBoundingClientRect();
  const lengths = [...cellCorner(view, ...cell), ...cellSides(view)];
  const [left, top, width, height] = lengths.map((length) => length / frame.pixelRatio);
  showTooltip(tooltip, content, new DOMRect(box.left + left, box.top + top, width, height));
  if (byKeyboard) view.find("live").textContent = tooltip.textContent;
}

/**
 * What a cell says, and what its row does.
 * @param {object} view - The heat map.
 * @param {[number, number]} cell - Row and column.
 * @returns {(string | HTMLElement)[]} One after the other.
 */
export function describeCell(view, [row, column]) {
  const { axes, data, values, removed, impossible } = view;
  const columns = axes.keys.labels.length;
  const nameOf = ({ labels }, index) => createElement("bdi", "", truncate(labels[index], MAX_NAME_CHARACTERS));
  const format = (number) => formatNumber(number, data.signed, EXACT_DECIMALS);
  const [query, key] = [nameOf(axes.queries, row), nameOf(axes.keys, column)];
  const note = (text) => createElement("small", "", text);
  const exact = data.tiled && exactCell(view, row, column);
  if (exact?.impossible || impossible?.[row * columns + column]) {
    return [query, " can't look at ", key, note(REASON)];
  }
  const meaning = (value) =>
    data.signed
      ? [query, ", looking at ", key, `, contributes ${value} to the class or score`]
      : [query, " looks at ", key, `: ${value}`];
  if (exact) {
    const gone = exact.removed ? [note(`${format(exact.removed)} of its row went with the special tokens`)] : [];
    return [...meaning(format(exact.value)), ...gone];
  }
  if (data.tiled) return [query, data.signed ? ", looking at " : " looks at ", key, note(isExactLevel(view) ? "its exact value is on its way" : "zoom in for the exact value")];
  const value = format(values[row * columns + column]);
  if (data.difference) return [query, " looks at ", key, `: ${value} from first to second`];
  const sum = values.subarray(row * columns, (row + 1) * columns).reduce((total, part) => total + part, 0);
  const whole = data.cuts_rows ? "" : `row sums to ${format(sum)}`;
  const special = removed ? `${format(removed[row])} went with the special tokens` : "";
  const notes = [whole, special].filter(Boolean).join(" · ");
  return notes ? [...meaning(value), note(notes)] : meaning(value);
}
