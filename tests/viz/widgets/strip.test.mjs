// The strip: where its sentences stand, and in which order they are painted.

import assert from "node:assert/strict";
import test from "node:test";

import { colorIndex, indexAt, paintOrder, pixelsOf } from "../../../viz/widgets/strip/stretches.js";

test("a place is in the stretch that begins last before it", () => {
  const stretches = [
    [2, 5],
    [6, 9],
    [12, 14],
  ];
  assert.deepEqual(
    [0, 2, 5, 6, 10, 12, 99].map((place) => indexAt(stretches, place)),
    [0, 0, 0, 1, 1, 2, 2],
  );
  assert.equal(indexAt([], 3), 0);
});

test("every sentence has a pixel, and a gap where there is room", () => {
  assert.deepEqual(pixelsOf([0, 50], 100, 10), [0, 5]);
  assert.deepEqual(pixelsOf([0, 50], 100, 10, 1), [0, 4]);
  assert.deepEqual(pixelsOf([999, 1000], 1000, 10, 1), [9, 1]);
  assert.deepEqual(pixelsOf([1000, 1000], 1000, 10), [9, 1], "the end is inside");
});

test("the strongest sentence is painted last", () => {
  assert.deepEqual(paintOrder([0.5, -1, 0]), [2, 0, 1]);
});

test("a share is a place on the scale of its kind", () => {
  assert.deepEqual(
    [-1, 0, 1].map((share) => colorIndex(share, true, 101)),
    [0, 50, 100],
  );
  assert.deepEqual(
    [0, 0.5, 2].map((share) => colorIndex(share, false, 101)),
    [0, 50, 100],
  );
});
