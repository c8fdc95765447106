// The confusion matrix: what its cells say, and where keys lead.

import assert from "node:assert/strict";
import test from "node:test";

import { describe, moveCell, summarize } from "../../../viz/widgets/confusion/cells.js";
import { percent } from "../../../viz/widgets/shared/numbers.js";

const COUNTS = [
  [8, 2, 0],
  [0, 0, 0],
  [1, 5, 1199],
];
const LABELS = ["World", "Sports", "Sci/Tech"];
const { totals, most } = summarize(COUNTS);

test("rows are counted by true class, and the largest error is off the diagonal", () => {
  assert.deepEqual(totals, [10, 0, 1205]);
  assert.equal(most, 5);
  assert.equal(summarize([[3]]).most, 0);
  assert.deepEqual(summarize([]), { totals: [], most: 0 });
});

test("a share is never rounded to none or to all of it", () => {
  assert.equal(percent(2, 10), "20%");
  assert.equal(percent(1, 30), "3.3%");
  assert.equal(percent(1, 5000), "<0.1%");
  assert.equal(percent(4999, 5000), ">99.9%");
  assert.equal(percent(199, 200), "99.5%");
  assert.equal(percent(999, 1000), "99.9%");
  assert.equal(percent(99, 100), "99%");
  for (let part = 1; part < 3000; part += 1) assert.notEqual(Number.parseFloat(percent(part, 3000)), 100);
  assert.equal(percent(5, 5), "100%");
  assert.equal(percent(0, 5), "0%");
  assert.equal(percent(0, 0), "");
});

test("a cell says both classes, its rows and their share", () => {
  const say = (gold, predicted) => describe({ gold, predicted }, LABELS, COUNTS, totals);
  assert.equal(say(0, 1), "true World, predicted Sports: 2 rows, 20% of World");
  assert.equal(say(2, 0), "true Sci/Tech, predicted World: 1 row, <0.1% of Sci/Tech");
  assert.equal(say(1, 0), "true Sports, predicted World: 0 rows");
  assert.equal(say(2, null), "true Sci/Tech: 1,205 rows");
  assert.equal(say(null, 1), "predicted Sports: 7 rows");
});

test("keys lead from cell to cell, onto the heads and not beyond", () => {
  const cell = { gold: 1, predicted: 1 };
  assert.deepEqual(moveCell("ArrowUp", cell, 3), { gold: 0, predicted: 1 });
  assert.deepEqual(moveCell("ArrowRight", cell, 3), { gold: 1, predicted: 2 });
  assert.deepEqual(moveCell("Home", cell, 3), { gold: 1, predicted: null });
  assert.deepEqual(moveCell("PageDown", cell, 3), { gold: 2, predicted: 1 });
  assert.deepEqual(moveCell("PageUp", cell, 3), { gold: null, predicted: 1 });
  assert.equal(moveCell("ArrowRight", { gold: 1, predicted: 2 }, 3), null);
  assert.equal(moveCell("ArrowLeft", { gold: null, predicted: 0 }, 3), null, "the corner is empty");
  assert.equal(moveCell("a", cell, 3), null);
});
