// What several widgets share: numbers, arrays on their way, keys, pixels.

import assert from "node:assert/strict";
import test from "node:test";

import { decodeBits, decodeFloat32, decodeInt8, decodeUint16 } from "../../../viz/widgets/shared/array_codec.js";
import { isHatchLine } from "../../../viz/widgets/shared/impossible.js";
import { hasModifier, moveInList } from "../../../viz/widgets/shared/keyboard.js";
import { mount } from "../../../viz/widgets/shared/mount.js";
import { clamp, formatNumber } from "../../../viz/widgets/shared/numbers.js";
import { packColor, pixelRanges, poolMaxAbs } from "../../../viz/widgets/shared/pixels.js";

test("a number has at least its decimals, and three digits where it is tiny", () => {
  assert.equal(formatNumber(0.12345, false), "0.123");
  assert.equal(formatNumber(0.12345, false, 6), "0.123450");
  assert.equal(formatNumber(0.00012345, false), "0.000123");
  assert.equal(formatNumber(1e-20, false), "0.000000000000");
  assert.equal(formatNumber(12.5, false), "12.500");
});

test("a signed number has its sign, a true minus, and none where it rounds to 0", () => {
  assert.equal(formatNumber(0.5, true), "+0.500");
  assert.equal(formatNumber(-0.5, true), "−0.500");
  assert.equal(formatNumber(-0.5, false), "−0.500");
  assert.equal(formatNumber(0, true), "0.000");
  assert.equal(formatNumber(-1e-20, true), "0.000000000000");
  assert.equal(formatNumber(NaN, true), "not a number");
});

test("a number is clamped to both ends of a range", () => {
  assert.deepEqual([-1, 0, 0.5, 1, 7].map((value) => clamp(value, 0, 1)), [0, 0, 0.5, 1, 1]);
});

test("arrays that Python encoded are decoded bit by bit", async () => {
  assert.deepEqual([...(await decodeFloat32("eAFjYICABoYABvv9DgwACakCDw=="))], [1, -0.5, 3.25, 0]);
  assert.deepEqual([...(await decodeUint16("eAFjZPrPwPgfAAUTAgM="))], [1, 258, 65535]);
  assert.deepEqual([...(await decodeInt8("eJxrZKgHAAIFAQE="))], [-127, 0, 127]);
});

test("bits that Python encoded are decoded one by one", async () => {
  assert.deepEqual([...(await decodeBits("eNpLdAAAAQQAog==", 10))], [0, 1, 1, 0, 0, 0, 0, 1, 0, 1]);
});

test("a hatch has a line in every few pixels, at any resolution", () => {
  for (const ratio of [1, 1.5, 3]) {
    const px = (length) => Math.round(length * ratio);
    const row = Array.from({ length: 8 * px(4) }, (_, x) => isHatchLine(x, 5, px));
    assert.equal(row.filter(Boolean).length, 8 * px(1));
    assert.ok(row.every((isLine, x) => isLine === isHatchLine(x + 1, 4, px)), "it is slanted");
  }
});

test("keys move within a list and not beyond its ends", () => {
  const keys = { previous: ["ArrowLeft", "ArrowUp"], next: ["ArrowRight"], first: "Home", last: "End" };
  const move = (key, index) => moveInList(key, index, 3, keys);
  assert.deepEqual([move("ArrowRight", 0), move("ArrowRight", 2)], [1, 2]);
  assert.deepEqual([move("ArrowLeft", 2), move("ArrowUp", 0), move("ArrowLeft", -1)], [1, 0, 0]);
  assert.deepEqual([move("Home", 2), move("End", 0)], [0, 2]);
  assert.equal(move("a", 1), null);
});

test("a key with Ctrl, Alt or Meta is the browser's", () => {
  const held = ["ctrlKey", "altKey", "metaKey", "shiftKey"].map((name) => hasModifier({ [name]: true }));
  assert.deepEqual(held.map(Boolean), [true, true, true, false]);
});

test("a color lies in memory as red, green, blue and full opacity", () => {
  const bytes = new Uint8Array(Uint32Array.of(packColor("#1b67ad"), packColor("#ffffff")).buffer);
  assert.deepEqual([...bytes], [0x1b, 0x67, 0xad, 0xff, 0xff, 0xff, 0xff, 0xff]);
});

test("pooling gives the value of a block that is farthest from zero", () => {
  const values = [1, 0, -5, 2, 3, -4]; // two rows of three
  assert.equal(poolMaxAbs(values, 3, [0, 2], [0, 3]), -5);
  assert.equal(poolMaxAbs(values, 3, [0, 2], [0, 2]), 3);
  assert.equal(poolMaxAbs(values, 3, [1, 2], [1, 3]), -4);
  assert.equal(poolMaxAbs([3, 7], 2, [0, 1], [0, 2], 5), 3, "the first of two that are as far");
  assert.equal(poolMaxAbs([0, 0], 2, [0, 1], [0, 2]), 0);
});

test("pooling passes over what is impossible, unless all of it is", () => {
  const values = [-128, 0, -128, -128, 3, -128]; // two rows of three
  assert.equal(poolMaxAbs(values, 3, [0, 2], [0, 3], 0, -128), 3);
  assert.equal(poolMaxAbs(values, 3, [0, 1], [0, 2], 0, -128), 0);
  assert.equal(poolMaxAbs(values, 3, [0, 2], [2, 3], 0, -128), -128);
});

test("pixels cover all cells, without a gap where cells are smaller", () => {
  assert.deepEqual(pixelRanges(2, 5), [[0, 2], [2, 5]]);
  assert.deepEqual(pixelRanges(4, 2), [[0, 1], [0, 1], [1, 2], [1, 2]]);
  assert.deepEqual(pixelRanges(2, 8, 4, 2), [[4, 6], [6, 8]], "the second half, twice as large");
});

/** Draws one element again and again, and counts its views. */
function createElementThatCounts(isConnected) {
  const counts = { created: 0, stopped: 0 };
  const parentElement = { isConnected };
  const create = () => ({ show() {}, stop: () => (counts.stopped += 1), number: (counts.created += 1) });
  return { counts, parentElement, draw: () => mount({ parentElement, data: [{}] }, create) };
}

test("a view outlives a call that is dropped before the next one comes", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { counts, draw } = createElementThatCounts(true);
  const endDropped = draw();
  endDropped();
  const end = draw();
  context.mock.timers.tick(10_000);
  assert.deepEqual(counts, { created: 1, stopped: 0 });
  end();
  context.mock.timers.tick(10_000);
  assert.deepEqual(counts, { created: 1, stopped: 1 });
  draw();
  assert.deepEqual(counts, { created: 2, stopped: 1 });
});

test("a view whose element left the page stops at once, and once", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { counts, parentElement, draw } = createElementThatCounts(true);
  const end = draw();
  end();
  parentElement.isConnected = false;
  end();
  assert.deepEqual(counts, { created: 1, stopped: 1 });
  context.mock.timers.tick(10_000);
  assert.deepEqual(counts, { created: 1, stopped: 1 });
});
