// Equations: where the cells of a term lie, what they are called, and numbers in few digits.

import assert from "node:assert/strict";
import test from "node:test";

import {
  cellAt,
  cellName,
  exactNumber,
  layOut,
  moveCell,
  products,
  rangeOf,
  sizeOf,
} from "../../../viz/widgets/equations/cells.js";

const ROOM = { width: 144, height: 66, side: 14 };
const NAMES = { tokens: ["[CLS]", "oil"], classes: ["World", "Sports"] };
const term = (shape, axes, more = {}) => ({
  shape,
  axes,
  rows: shape.slice(0, -1).reduce((product, side) => product * side, 1),
  columns: shape.at(-1) ?? 1,
  drawn: [shape.slice(0, -1).reduce((product, side) => product * side, 1), shape.at(-1) ?? 1],
  block: [1, 1],
  ...more,
});

test("a short vector is one line, a long one several, all within the room", () => {
  assert.deepEqual(layOut([1, 9], ROOM), { count: 9, across: 9, lines: 1, width: 14, height: 14 });
  const long = layOut([1, 384], ROOM);
  assert.deepEqual([long.across, long.lines, long.width], [48, 8, 3]);
  for (const count of [1, 31, 384, 768, 1536, 4096]) {
    const { across, lines, width, height } = layOut([1, count], ROOM);
    assert.ok(across * width <= ROOM.width, `${count} across`);
    assert.ok(across * lines >= count, `${count} cells`);
    if (count <= 1536) assert.ok(lines * height <= ROOM.height + 6, `${count} down`);
  }
});

test("a matrix keeps its rows", () => {
  const tall = layOut([128, 32], ROOM);
  assert.deepEqual([tall.across, tall.lines], [32, 128]);
  assert.ok(tall.lines * tall.height <= ROOM.height);
  assert.ok(tall.across * tall.width <= ROOM.width);
});

test("a point is in one cell, or in none", () => {
  const layout = layOut([1, 50], { width: 48, height: 66, side: 14 });
  assert.equal(layout.across, 16);
  assert.equal(cellAt(layout, 0, 0), 0);
  assert.equal(cellAt(layout, 4, 4), 17);
  assert.equal(cellAt(layout, -1, 0), null);
  assert.equal(cellAt(layout, 7, 10), null, "behind the last one");
});

test("keys lead from cell to cell and not beyond", () => {
  const layout = { count: 50, across: 16, lines: 4 };
  assert.equal(moveCell("ArrowRight", 3, layout), 4);
  assert.equal(moveCell("ArrowDown", 3, layout), 19);
  assert.equal(moveCell("ArrowUp", 3, layout), 3);
  assert.equal(moveCell("ArrowRight", 49, layout), 49);
  assert.equal(moveCell("End", 3, layout), 49);
  assert.equal(moveCell("Home", 3, layout), 0);
  assert.equal(moveCell("Enter", 3, layout), null);
});

test("a cell is called by its token, its class or its number", () => {
  assert.equal(cellName(term([], []), 0, NAMES), "");
  assert.equal(cellName(term([2], ["token"]), 1, NAMES), "oil (1)");
  assert.equal(cellName(term([2], ["class"]), 0, NAMES), "World");
  assert.equal(cellName(term([2, 4], ["token", "dimension"]), 6, NAMES), "oil (1), dimension 2");
  assert.equal(cellName(term([3, 2, 2], ["head", "token", "token"]), 7, NAMES), "H1, oil (1), oil (1)");
});

test("a cell of a large matrix names the block that it stands for", () => {
  const large = term([100, 50], ["dimension", "dimension"], { drawn: [4, 5], block: [30, 10] });
  assert.deepEqual(rangeOf(large, 6), { row: 30, column: 10, lastRow: 59, lastColumn: 19 });
  assert.deepEqual(rangeOf(large, 19), { row: 90, column: 40, lastRow: 99, lastColumn: 49 });
  assert.equal(cellName(large, 6, NAMES), "dimensions 30–59, dimensions 10–19");
});

test("a number has as many digits as name it and no other", () => {
  assert.equal(exactNumber(Math.fround(0.1)), "0.1");
  assert.equal(exactNumber(Math.fround(-1 / 3)), "−0.33333334");
  assert.equal(exactNumber(0), "0");
  assert.equal(exactNumber(2), "2");
  assert.equal(exactNumber(30522), "30522");
  assert.equal(exactNumber(-2000), "−2000");
  assert.equal(exactNumber(-Infinity), "−∞");
  for (const value of [1e-12, 123456.7, -3.4028235e38].map(Math.fround)) {
    const digits = exactNumber(value).replaceAll("−", "-").replace(" · 10^", "e");
    assert.equal(Math.fround(Number(digits)), value);
  }
});

test("a term says how large it is, and vectors are multiplied place by place", () => {
  assert.equal(sizeOf([]), "");
  assert.equal(sizeOf([1536, 384]), "1,536 × 384 numbers");
  assert.deepEqual([...products([1, 2], [3, -4])], [3, -8]);
});
