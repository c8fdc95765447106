// Which frame of a film comes next, and which is nearest.

import assert from "node:assert/strict";
import test from "node:test";

import { nearestFrame, nextFrame, shortNumber } from "../../../viz/widgets/film/frames.js";

test("the next frame waits where it was not read yet, and there is none after the last", () => {
  const frames = [{}, { refused: "broken" }, { pending: true }];
  assert.equal(nextFrame(frames, 0), 1);
  assert.equal(nextFrame(frames, 1), 1);
  assert.equal(nextFrame(frames, 2), null);
});

test("the nearest frame is found, the later one of two", () => {
  const frames = [0, 1, 2, 1].map((epoch) => ({ epoch }));
  assert.deepEqual([-1, 0.4, 1.1, 1.5, 9].map((epoch) => nearestFrame(frames, epoch)), [0, 0, 3, 3, 2]);
});

test("numbers of an axis have two digits", () => {
  assert.deepEqual([0, 0.254, 1.38, 10.4, 123.4].map(shortNumber), ["0", "0.25", "1.4", "10", "123"]);
});
