// The pure parts of the heat map: where its cells lie, their colors, their labels.

import assert from "node:assert/strict";
import test from "node:test";

import {
  bringIntoView,
  cellCorner,
  cellSides,
  cellSize,
  cellUnderPointer,
  setViewport,
  zoomAt,
} from "../../../viz/widgets/heatmap/geometry.js";
import { runs } from "../../../viz/widgets/heatmap/hatch.js";
import { describeCell } from "../../../viz/widgets/heatmap/interaction.js";
import { drawAxisLabels, fitLabels, truncate } from "../../../viz/widgets/heatmap/labels.js";
import { colorIndices, linearIndices } from "../../../viz/widgets/heatmap/scale.js";
import { listenForTiles } from "../../../viz/widgets/heatmap/tile_requests.js";
import { TileStore, drawnTiles, exactCell, isExactLevel, levelInView, missingTiles, tilesInView } from "../../../viz/widgets/heatmap/tiles.js";

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

/** A map of 1,000 rows and 2,000 columns in tiles of 250 pixels; the screen has 500 x 1,000. */
function createTiledView() {
  const levels = [
    [250, 250],
    [500, 500],
    [1000, 2000],
  ];
  const frame = { rows: 1000, columns: 2000, left: 0, top: 0, height: 500, width: 1000 };
  const data = { tiled: { map: "m", levels, side: 250 } };
  return { data, frame, viewport: { scale: 1, x: 0, y: 0 }, store: new TileStore(), overview: "overview" };
}

test("the level follows the size of a cell on the screen", () => {
  const view = createTiledView();
  const { levels } = view.data.tiled;
  assert.equal(levelInView(view, levels), 1);
  assert.equal(isExactLevel(view), false);
  setViewport(view, 2, 0, 0);
  assert.equal(levelInView(view, levels), 2);
  assert.equal(isExactLevel(view), true);
  assert.equal(levelInView({ ...view, frame: { ...view.frame, width: 100, height: 50 } }, levels), 0, "never less than the coarsest");
});

test("the tiles that are seen come from the middle outwards", () => {
  const view = createTiledView();
  setViewport(view, 4, 300, 250);
  assert.deepEqual(tilesInView(view, [1000, 2000], 250).slice(0, 2), [[1, 2], [1, 1]]);
  assert.equal(tilesInView(view, [1000, 2000], 250).length, 3);
  setViewport(view, 1, 0, 0);
  assert.equal(tilesInView(view, [1000, 2000], 250).length, 32);
  assert.equal(tilesInView(view, [250, 250], 250).length, 1);
});

test("what is there is not asked for again, and is drawn from coarse to fine", () => {
  const view = createTiledView();
  setViewport(view, 4, 300, 250);
  const add = (place, name) => view.store.add(place, { map: "m", rows: 1, columns: 1, name });
  assert.deepEqual(drawnTiles(view), ["overview"]);
  add([2, 1, 1], "fine");
  add([0, 0, 0], "coarse");
  add([2, 3, 7], "elsewhere");
  assert.deepEqual(missingTiles(view), { level: 2, places: [[1, 2], [1, 3]] });
  assert.deepEqual(drawnTiles(view).map((tile) => tile.name ?? tile), ["overview", "coarse", "fine"]);
  assert.equal(missingTiles({ ...view, data: { tiled: { ...view.data.tiled, map: "other" } } }).places.length, 3);
});

test("a cell is exact where its tile is there", () => {
  const view = createTiledView();
  const tile = { map: "m", rows: 2, columns: 3, top: 250, left: 500, values: Float32Array.of(1, 2, 3, 4, 5, 6) };
  view.store.add([2, 1, 2], { ...tile, impossible: Uint8Array.of(0, 0, 0, 0, 0, 1), removed: Float32Array.of(0, 0.5) });
  assert.equal(exactCell(view, 0, 0), null);
  assert.deepEqual(exactCell(view, 250, 502), { value: 3, impossible: false, removed: 0 });
  assert.deepEqual(exactCell(view, 251, 502), { value: 6, impossible: true, removed: 0.5 });
});

test("tiles that were not used for the longest time go", () => {
  const store = new TileStore();
  const tile = { map: "m", rows: 2048, columns: 2048 };
  for (const row of [0, 1]) store.add([0, row, 0], { ...tile });
  assert.ok(store.get("m", [0, 0, 0]));
  store.add([0, 2, 0], { ...tile });
  assert.deepEqual([0, 1, 2].map((row) => Boolean(store.get("m", [0, row, 0]))), [true, false, true]);
  store.add([0, 2, 0], { ...tile, rows: 1 });
  assert.equal(store.nPixels, 2048 * 2049);
});

test("a place by square roots has one in a linear scale", () => {
  const values = Float32Array.from({ length: 201 }, (_, index) => (index - 100) / 100);
  for (const signed of [false, true]) {
    const squares = linearIndices(signed, 101);
    const roots = colorIndices(values, { signed, largest: 1 }, false, 101);
    const linear = colorIndices(values, { signed, largest: 1 }, true, 101);
    for (const [index, root] of roots.entries()) assert.ok(Math.abs(squares[root] - linear[index]) <= 1);
    assert.equal(squares[101], 101, "what is impossible stays so");
  }
});

/** What a cell of two queries and one key says, as text. */
function cellText(data, values, removed) {
  globalThis.document = { createElement: () => ({}) };
  const axes = { queries: { labels: ["oil", "prices"] }, keys: { labels: ["oil"] } };
  const content = describeCell({ axes, data, values: Float32Array.from(values), removed }, [0, 0]);
  delete globalThis.document;
  return content.map((part) => part.textContent ?? part).join("");
}

test("what a cell contributes is true of a class and of a score", () => {
  assert.match(cellText({ signed: true }, [0.5, 0.25]), /^oil, looking at oil, contributes \+0\.500000 to the class or score/);
});

test("what a row sums to is said where all of it is there", () => {
  const removed = Float32Array.of(0.25, 0);
  const data = { signed: false };
  assert.equal(cellText(data, [0.5, 0.25]), "oil looks at oil: 0.500000row sums to 0.500000");
  assert.match(cellText(data, [0.5, 0.25], removed), /0\.500000 · 0\.250000 went with the special tokens$/);
  const part = { ...data, cuts_rows: true };
  assert.equal(cellText(part, [0.5, 0.25]), "oil looks at oil: 0.500000");
  assert.equal(cellText(part, [0.5, 0.25], removed), "oil looks at oil: 0.5000000.250000 went with the special tokens");
});

test("what is seen of a map in tiles is sent as soon as the reader leaves it, and once", () => {
  globalThis.window = new EventTarget();
  const sent = [];
  const view = {
    root: new EventTarget(),
    data: { tiled: {} },
    frame: { rows: 100, columns: 80 },
    viewport: { scale: 1, x: 0, y: 0 },
    last: { setStateValue: (name, value) => sent.push([name, value]) },
  };
  const end = new AbortController();
  listenForTiles(view, end.signal);
  const leave = (type) => view.root.dispatchEvent(new Event(type));
  leave("focusout");
  view.viewport = { scale: 4, x: 10, y: 5 };
  leave("pointerleave");
  leave("focusout");
  assert.deepEqual(sent, [["window", [0, 100, 0, 80]], ["window", [5, 30, 10, 30]]]);
  view.viewport = { scale: 1, x: 0, y: 0 };
  view.data = {}; // not in tiles any more
  leave("focusout");
  end.abort();
  leave("pointerleave");
  assert.equal(sent.length, 2);
  delete globalThis.window;
});
