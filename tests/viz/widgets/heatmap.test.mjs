// The pure parts of the heat map: where its cells lie, their colors, their labels.

import assert from "node:assert/strict";
import test from "node:test";

import { colorIndices, runs } from "../../../viz/widgets/heatmap/cells.js";
import {
  bringIntoView,
  cellCorner,
  cellSides,
  cellSize,
  cellUnderPointer,
  setViewport,
  zoomAt,
} from "../../../viz/widgets/heatmap/geometry.js";
import { drawAxisLabels, fitLabels, truncate } from "../../../viz/widgets/heatmap/labels.js";

/** Ten rows of 20 columns, 10 device pixels a cell. */
function createView() {
  const frame = { pixelRatio: 2, rows: 10, columns: 20, left: 30, top: 40, width: 200, height: 100, maxScale: 8 };
  const canvas = { getBoundingClientRect: () => ({ left: 100, top: 50 }) };
  return { canvas, frame, viewport: { scale: 1, x: 0, y: 0 } };
}

test("cells are square, and larger where a map is long or wide", () => {
  assert.deepEqual(cellSize(10, 10, 400, 300), { width: 30, height: 30 });
  assert.deepEqual(cellSize(1, 1, 400, 300), { width: 64, height: 64 });
  assert.deepEqual(cellSize(2, 100, 400, 300), { width: 4, height: 15 });
  assert.deepEqual(cellSize(100, 2, 400, 300), { width: 15, height: 3 });
});

test("zooming keeps what is under the pointer where it is", () => {
  const view = createView();
  const cellAtPosition = () => {
    const [width, height] = cellSides(view);
    return [view.viewport.x + 80 / width, view.viewport.y + 30 / height];
  };
  const before = cellAtPosition();
  zoomAt(view, 3, [80, 30]);
  assert.equal(view.viewport.scale, 3);
  cellAtPosition().forEach((value, index) => assert.ok(Math.abs(value - before[index]) < 1e-9));
  zoomAt(view, 100, [80, 30]);
  assert.equal(view.viewport.scale, 8, "no more than the frame allows");
  zoomAt(view, 0.001, [80, 30]);
  assert.deepEqual(view.viewport, { scale: 1, x: 0, y: 0 });
});

test("the viewport ends where the cells do", () => {
  const view = createView();
  setViewport(view, 2, -5, 100);
  assert.deepEqual(view.viewport, { scale: 2, x: 0, y: 5 });
});

test("a cell out of sight is brought into view by the shortest way", () => {
  const view = createView();
  setViewport(view, 2, 0, 0);
  bringIntoView(view, [3, 4]);
  assert.deepEqual(view.viewport, { scale: 2, x: 0, y: 0 }, "it is seen already");
  bringIntoView(view, [9, 12]);
  assert.deepEqual(view.viewport, { scale: 2, x: 3, y: 5 });
});

test("a pointer over the corner of a cell is over that cell", () => {
  const view = createView();
  setViewport(view, 2, 3, 5);
  const [x, y] = cellCorner(view, 7, 8);
  const event = { clientX: 100 + (x + 1) / 2, clientY: 50 + (y + 1) / 2 };
  assert.deepEqual(cellUnderPointer(view, event), [7, 8]);
  assert.equal(cellUnderPointer(view, { clientX: 0, clientY: 0 }), null);
  assert.equal(cellUnderPointer({ ...view, frame: undefined }, event), null);
});

test("colors follow the square root, or the value itself", () => {
  const data = { signed: false, largest: 4 };
  assert.deepEqual([...colorIndices([0, 1, 4, NaN], data, false, 101)], [0, 50, 100, 0]);
  assert.deepEqual([...colorIndices([0, 1, 4, 8], data, true, 101)], [0, 25, 100, 100]);
});

test("signed colors run from one end over the middle to the other", () => {
  const data = { signed: true, largest: 4 };
  assert.deepEqual([...colorIndices([-4, -1, 0, 4], data, false, 101)], [0, 25, 50, 100]);
  assert.deepEqual([...colorIndices([0], { signed: true, largest: 0 }, false, 101)], [50]);
});

test("what is impossible has the color behind the last, and its stretches are found", () => {
  const impossible = Uint8Array.of(0, 1, 1, 0, 0, 1);
  const indices = colorIndices(Float32Array.of(1, 0, 0, 0, 1, 0), { signed: false, largest: 1 }, true, 5, impossible);
  assert.deepEqual([...indices], [4, 5, 5, 0, 4, 5]);
  assert.deepEqual(runs(impossible, 0, 0, 3), [[1, 3]]);
  assert.deepEqual(runs(impossible, 3, 0, 3), [[2, 3]]);
  assert.deepEqual(runs(impossible, 0, 2, 3), [[2, 3]]);
  assert.deepEqual(runs(impossible, 3, 0, 2), []);
});

test("a long label is cut between characters that a reader counts", () => {
  assert.equal(truncate("token", 5), "token");
  assert.equal(truncate("tokens", 5), "toke…");
  assert.equal(truncate("👩‍👩‍👧👩‍👩‍👧", 2), "👩‍👩‍👧👩‍👩‍👧");
  assert.equal(truncate("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 2), "👩‍👩‍👧…");
});

/** Ten pixels a character; isolates take no room. */
const context = { measureText: (text) => ({ width: 10 * text.replace(/[\u2068\u2069]/g, "").length }) };

test("labels are shortened to the width there is", () => {
  const { texts, width, special } = fitLabels(context, { labels: ["[CLS]", "extraordinary"], special: [0] }, 60);
  assert.deepEqual(texts, ["\u2068[CLS]\u2069", "\u2068extra…\u2069"]);
  assert.equal(width, 60);
  assert.deepEqual([...special], [0]);
});

test("labels stay apart, and the active one is always written", () => {
  const axis = { texts: ["a", "b", "c", "d", "e", "f"], special: new Set() };
  const style = { at: (index) => 5 * index, step: 10, from: 0, to: 25, active: 3 };
  const colors = { ink: "ink", muted: "muted", accent: "accent" };
  const written = [];
  drawAxisLabels(context, axis, { ...style, colors, font: String }, (text) => written.push(text));
  assert.deepEqual(written, ["a", "d"]);
});
