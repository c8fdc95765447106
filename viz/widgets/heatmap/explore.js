// Going about a heat map: by pointer, wheel, two fingers, buttons and keys.

import { make } from "../shared/elements.js";
import { focused } from "../shared/expand.js";
import { EXACT, number } from "../shared/numbers.js";
import { showTip } from "../shared/tooltip.js";
import { bringIntoSight, cellAt, cellSides, cornerOf, moveTo, within, zoomAt } from "./frame.js";
import { shortened } from "./labels.js";

const KEY_ZOOM = 1.6;
const DRAG = 4; // CSS pixels a pointer may tremble before a press is a drag

/** Buttons and keys. */
export function listen(view, signal) {
  const { canvas, find } = view;
  const on = (element, type, react) => element.addEventListener(type, react, { signal });
  const middle = () => [view.place.width / 2, view.place.height / 2];
  on(find("in"), "click", () => magnify(view, KEY_ZOOM, middle()));
  on(find("out"), "click", () => magnify(view, 1 / KEY_ZOOM, middle()));
  on(find("whole"), "click", () => magnify(view, 0));
  on(find("root-scale"), "click", () => colorBy(view, false));
  on(find("linear-scale"), "click", () => colorBy(view, true));
  on(canvas, "keydown", (event) => press(view, event));
  on(canvas, "blur", () => view.byKey && point(view, null));
}

function colorBy(view, linear) {
  Object.assign(view, { linear, levels: null, image: null });
  if (view.data) view.describe();
  view.redraw();
}

/** Zooms by a factor around a point of the frame; 0 shows the whole picture. */
function magnify(view, factor, around = [0, 0]) {
  if (!view.place) return;
  view.tip.hidden = true;
  if (factor) zoomAt(view, factor, around);
  else moveTo(view, 1, 0, 0);
  view.redraw();
}

function press(view, event) {
  if (!view.values || event.ctrlKey || event.metaKey || event.altKey) return;
  const { rows, columns } = view.place;
  const [row, column] = view.cell ?? [0, 0];
  const targets = {
    ArrowUp: [row - 1, column],
    ArrowDown: [row + 1, column],
    ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1],
    Home: [row, 0],
    End: [row, columns - 1],
    PageUp: [0, column],
    PageDown: [rows - 1, column],
  };
  const target = targets[event.key];
  const factor = { "+": KEY_ZOOM, "=": KEY_ZOOM, "-": 1 / KEY_ZOOM, 0: 0 }[event.key];
  if (event.key === "Escape") point(view, null);
  if (!target && factor === undefined) return;
  event.preventDefault();
  if (!target) return magnify(view, factor, middleOf(view));
  const clip = (index, count) => Math.min(Math.max(index, 0), count - 1);
  const next = view.cell ? [clip(target[0], rows), clip(target[1], columns)] : [row, column];
  bringIntoSight(view, next);
  point(view, next, true);
}

/** The middle of the cell that is read, or of the frame. */
function middleOf(view) {
  const { place, cell } = view;
  if (!cell) return [place.width / 2, place.height / 2];
  const [[x, y], [wide, high]] = [cornerOf(view, ...cell), cellSides(view)];
  return [x - place.left + wide / 2, y - place.top + high / 2];
}

/** Hovering reads, dragging moves, the wheel and two fingers zoom. */
export function followPointer(view, signal) {
  const { canvas } = view;
  const on = (type, react, options) => canvas.addEventListener(type, react, { signal, ...options });
  const down = (view.pointers = new Map());
  on("pointerdown", (event) => {
    down.set(event.pointerId, event);
    canvas.setPointerCapture(event.pointerId);
    view.dragged = false;
  });
  on("pointermove", (event) => (down.has(event.pointerId) ? drag(view, event) : point(view, cellAt(view, event))));
  const up = (event) => {
    down.delete(event.pointerId);
    if (event.type === "pointerup" && !view.dragged) point(view, cellAt(view, event));
  };
  on("pointerup", up);
  on("pointercancel", up);
  on("pointerleave", () => !view.byKey && point(view, null));
  on("dblclick", () => magnify(view, 0));
  on("wheel", (event) => wheel(view, event), { passive: false });
}

/** The wheel belongs to the page, unless the picture has the focus, the screen, or Ctrl is held. */
function wheel(view, event) {
  const own = event.ctrlKey || view.expanded || focused() === view.canvas;
  if (!own || !view.place) return;
  if (!event.ctrlKey && !view.expanded && view.zoom.by === 1 && event.deltaY > 0) return;
  event.preventDefault();
  const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
  const factor = Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0025));
  zoomAt(view, factor, within(view.canvas, view.place, event));
  view.redraw();
  point(view, cellAt(view, event));
}

function drag(view, event) {
  const { pointers, place, zoom } = view;
  const before = pointers.get(event.pointerId);
  const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
  if (!view.dragged && Math.hypot(x, y) < DRAG) return;
  view.dragged = true;
  view.tip.hidden = true;
  const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
  if (other) {
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    zoomAt(view, apart(event) / Math.max(apart(before), 1), within(view.canvas, place, other));
  } else {
    const [wide, high] = cellSides(view).map((side) => side / place.ratio);
    moveTo(view, zoom.by, zoom.x - x / wide, zoom.y - y / high);
  }
  pointers.set(event.pointerId, event);
  view.redraw();
}

/** Reads a cell: marks it and says its value; null reads none.  `byKey`: aloud as well. */
export function point(view, cell, byKey = false) {
  const { canvas, place, tip } = view;
  if (!cell && !view.cell) return;
  const same = String(cell) === String(view.cell) && !tip.hidden;
  Object.assign(view, { cell, byKey: byKey && cell !== null });
  canvas.style.cursor = cell && view.zoom.by > 1 ? "grab" : "default";
  if (same && !byKey) return;
  view.redraw();
  tip.hidden = true;
  if (!cell) return;
  const lines = sentences(view, cell);
  const [box, [x, y], sides] = [canvas.getBoundingClientRect(), cornerOf(view, ...cell), cellSides(view)];
  const [left, top, wide, high] = [x, y, ...sides].map((length) => length / place.ratio);
  showTip(tip, lines, new DOMRect(box.left + left, box.top + top, wide, high));
  if (byKey) view.find("said").textContent = tip.textContent;
}

/** What a cell says, and what its row does. */
function sentences({ axes, data, values, removed }, [row, column]) {
  const columns = axes.keys.labels.length;
  const name = ({ labels }, index) => make("bdi", "", shortened(labels[index], 32));
  const [query, key] = [name(axes.queries, row), name(axes.keys, column)];
  const value = number(values[row * columns + column], data.signed, EXACT);
  const sum = values.subarray(row * columns, (row + 1) * columns).reduce((total, part) => total + part, 0);
  const gone = removed ? ` · ${number(removed[row], data.signed, EXACT)} went with the special tokens` : "";
  const first = data.signed
    ? [query, ", looking at ", key, `, hands ${value} to the class`]
    : [query, " looks at ", key, `: ${value}`];
  return [...first, make("small", "", `row sums to ${number(sum, data.signed, EXACT)}${gone}`)];
}
