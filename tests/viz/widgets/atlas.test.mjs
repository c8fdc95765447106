// The pure parts of the atlas: the order of heads, which are dimmed, their colors and their words.

import assert from "node:assert/strict";
import test from "node:test";

import {
  captionOf,
  describeHead,
  formatStatistic,
  headIndex,
  headName,
  shortHeadName,
} from "../../../viz/widgets/atlas/descriptions.js";
import { flipHeads, isOff, layerLabelAt } from "../../../viz/widgets/atlas/heads_off.js";
import { boundsOf, headFilter, loadSettings, nextCell, scaleOf, sortedGroups } from "../../../viz/widgets/atlas/order.js";
import { countPatterns, headsOf, relativePositions } from "../../../viz/widgets/atlas/profile.js";
import { cellAt, colorsOfLevels, largestPeak, layOutThumbnails } from "../../../viz/widgets/atlas/thumbnails.js";

/** Two layers of two heads. */
function createView(settings = {}) {
  const entropy = { name: "entropy", label: "entropy", unit: "bits", sentence: "How wide.", values: [1, 3, 2, 5] };
  const pattern = { name: "pattern", label: "pattern", unit: "", sentence: "The first.", values: [1, 0, 1, 1] };
  const data = {
    ...{ layers: 2, heads: 2, shape: [4, 4], signed: false },
    peaks: [0.5, 0.25, 0.25, 1, 0.75, 0.5, 0.25, 0.25, 0.125],
    statistics: [entropy, pattern],
    patterns: [{ name: "broad", sentence: "Wide." }, { name: "mixed", sentence: "None." }],
    caption: { grid: "Rows are layers.", pixels: "" },
  };
  return { data, settings: { ...loadSettings(), ...settings } };
}

const positions = (cells) => cells.map(({ row, column }) => `${row}${column}`).join(" ");

test("heads stand in their places where nothing sorts them", () => {
  assert.equal(sortedGroups(createView()), null);
  assert.equal(sortedGroups(createView({ statistic: "entropy", sort: false })), null);
});

test("heads are sorted by a statistic, the largest first, and means come last", () => {
  const [heads, means] = sortedGroups(createView({ statistic: "entropy" }));
  assert.equal(positions(heads.heads), "11 01 10 00");
  assert.equal(positions(means.heads), "22 02 12 20 21");
});

test("heads of one pattern stand together, and a pattern without heads is left out", () => {
  const groups = sortedGroups(createView({ statistic: "pattern" }));
  assert.deepEqual(groups.map(({ title }) => title), ["broad (1)", "mixed (3)", "means"]);
  const view = createView({ statistic: "pattern" });
  view.data.statistics[1].values = [1, 1, 1, 1];
  assert.deepEqual(sortedGroups(view).map(({ title }) => title), ["mixed (4)", "means"]);
});

test("a range of a statistic dims the heads outside of it", () => {
  const shown = (settings) => [0, 1, 2, 3].filter(headFilter(createView({ statistic: "entropy", ...settings })));
  assert.equal(headFilter(createView()), null);
  assert.equal(headFilter(createView({ statistic: "entropy", ranges: { entropy: [0, 1000] } })), null);
  assert.deepEqual(shown({ ranges: { entropy: [250, 1000] } }), [1, 2, 3]);
  assert.deepEqual(shown({ ranges: { entropy: [0, 500] } }), [0, 1, 2]);
  const view = createView({ statistic: "entropy", ranges: { entropy: [250, 500] } });
  assert.deepEqual(boundsOf(view, view.data.statistics[0]), [2, 3]);
});

test("a pattern dims the heads that do not have it", () => {
  const filter = (pattern) => headFilter(createView({ statistic: "pattern", pattern }));
  assert.deepEqual([0, 1, 2, 3].filter(filter("mixed")), [0, 2, 3]);
  assert.equal(filter(""), null);
});

test("contributions start with a color scale for each head", () => {
  const view = createView();
  assert.equal(scaleOf(view), "shared");
  view.data.signed = true;
  assert.equal(scaleOf(view), "own");
  assert.equal(scaleOf({ ...view, settings: { scale: "shared" } }), "shared");
});

/** The layout in a window of some CSS pixels. */
function layOut(view, width, groups = null) {
  globalThis.window = { devicePixelRatio: 1 };
  return layOutThumbnails({ ...view, root: { clientWidth: width } }, groups);
}

test("thumbnails fill the width, and a pointer finds each of them", () => {
  const layout = layOut(createView(), 320);
  assert.equal(positions(layout.cells), "00 01 02 10 11 12 20 21 22");
  assert.ok(layout.width <= 320 && layout.width > 300);
  for (const cell of layout.cells) assert.equal(cellAt(layout, cell.x + 1, cell.y + 1), cell);
  assert.equal(cellAt(layout, 0, 0), null);
});

test("arrow keys go through rows and columns, or through what is sorted", () => {
  const view = createView({ statistic: "entropy" });
  const grid = layOut(view, 320);
  const go = (layout, sorted, from, key) => positions([nextCell(layout, from, key, sorted)].filter(Boolean));
  const start = { row: 0, column: 0 };
  assert.equal(go(grid, false, start, "ArrowRight"), "01");
  assert.equal(go(grid, false, start, "ArrowLeft"), "00", "it stays at the edge");
  assert.equal(go(grid, false, start, "ArrowDown"), "10");
  assert.equal(go(grid, false, start, "End"), "02");
  assert.equal(go(grid, false, start, "a"), "");
  const sorted = layOut(view, 320, sortedGroups(view));
  assert.equal(go(sorted, true, { row: 1, column: 1 }, "ArrowRight"), "01", "the next smaller");
  assert.equal(go(sorted, true, start, "Home"), "11");
});

test("levels are roots, which linear colors undo", () => {
  const scale = Array.from({ length: 101 }, (_, index) => index);
  const [data, signed] = [{ max_level: 10, signed: false }, { max_level: 10, signed: true }];
  const at = (table, level) => table[level + 10];
  assert.deepEqual([0, 5, 10].map((level) => at(colorsOfLevels(scale, data, "root", 1), level)), [0, 50, 100]);
  assert.deepEqual([0, 5, 10].map((level) => at(colorsOfLevels(scale, data, "linear", 1), level)), [0, 25, 100]);
  assert.equal(at(colorsOfLevels(scale, data, "linear", 0.5), 10), 50, "the head reaches half of the scale");
  assert.deepEqual([-10, 0, 10].map((level) => at(colorsOfLevels(scale, signed, "root", 1), level)), [0, 50, 100]);
});

test("the largest peak counts by size", () => {
  assert.equal(largestPeak({ peaks: [0.25, -2, 1] }), 2);
  assert.equal(largestPeak({ peaks: [0, 0] }), 1);
});

test("heads and means have names, long and short", () => {
  const { data } = createView();
  const names = [[1, 0], [1, 2], [2, 1], [2, 2]].map(([row, column]) => headName(data, { row, column }));
  assert.deepEqual(names, ["L1 · H0", "L1 · mean of heads", "H1 · mean of layers", "mean of all heads"]);
  const short = [[1, 0], [1, 2], [2, 1], [2, 2]].map(([row, column]) => shortHeadName(data, { row, column }));
  assert.deepEqual(short, ["L1 H0", "L1", "H1", "all"]);
  assert.deepEqual([headIndex(data, { row: 1, column: 0 }), headIndex(data, { row: 1, column: 2 })], [2, -1]);
});

test("a statistic is written with its unit", () => {
  assert.equal(formatStatistic({ unit: "bits" }, 1.234), "1.23 bits");
  assert.equal(formatStatistic({ unit: "tokens" }, 12.34, true), "12.3");
  const share = (value) => formatStatistic({ unit: "share" }, value);
  assert.deepEqual([0, 0.0002, 0.05, 0.5, 1].map(share), ["0%", "<0.1%", "5.0%", "50%", "100%"]);
  assert.deepEqual([0.0949, 0.0996, 0.1, 0.996, 0.9999, 1 - 1e-7].map(share), ["9.5%", "10%", "10%", "99.6%", ">99.9%", "100%"]);
});

test("a head is described in one sentence", () => {
  const { data } = createView();
  assert.equal(describeHead(data, { row: 0, column: 1 }), "L0 · H1, broad: entropy 3.00 bits, largest weight 0.250.");
  assert.equal(describeHead(data, { row: 2, column: 2 }), "mean of all heads: largest weight 0.125.");
});

test("the caption says what the order is and what it means", () => {
  assert.equal(captionOf(createView()), "Rows are layers.");
  assert.equal(captionOf(createView({ statistic: "entropy" })), "Heads by “entropy”, largest first; means last. How wide.");
  const pattern = createView({ statistic: "pattern", pattern: "broad", sort: false });
  assert.equal(captionOf(pattern), "Rows are layers. Wide.");
});

test("a mean stands for the heads that it is taken over", () => {
  const { data } = createView();
  const heads = (row, column) => headsOf(data, { row, column }).join(" ");
  assert.deepEqual([heads(1, 0), heads(1, 2), heads(2, 1), heads(2, 2)], ["2", "2 3", "1 3", "0 1 2 3"]);
});

test("a click turns a head off, a layer by its mean, and on again", () => {
  const view = { ...createView(), off: new Set() };
  const [head, layer, mean] = [[1, 0], [1, 2], [2, 1]].map(([row, column]) => ({ row, column }));
  flipHeads(view, head);
  assert.deepEqual([...view.off], [2]);
  assert.deepEqual([head, layer, mean].map((cell) => isOff(view, cell)), [true, false, false]);
  flipHeads(view, layer);
  assert.deepEqual([...view.off].sort(), [2, 3]);
  assert.equal(isOff(view, layer), true);
  flipHeads(view, mean);
  assert.equal(view.off.size, 2);
  flipHeads(view, layer);
  assert.equal(view.off.size, 0);
});

test("the name of a layer stands for its mean where heads are turned off", () => {
  const { data } = createView();
  const cells = (row) => [0, 1, 2].map((column) => ({ row, column, x: 30 + 20 * column, y: 20 + 30 * row }));
  const layout = { x: (column) => 30 + 20 * column, cellHeight: 25, gap: 5, lines: [cells(0), cells(1), cells(2)] };
  const at = (x, y, view = {}) => layerLabelAt({ data, layout, sorted: false, toggles: true, ...view }, x, y);
  assert.deepEqual(at(10, 60), layout.lines[1][2]);
  assert.deepEqual([at(40, 60), at(10, 90), at(10, 60, { toggles: false }), at(10, 60, { sorted: true })], [null, null, null, null]);
});

test("marks lie between the lowest and the highest value, in the middle where all are equal", () => {
  assert.deepEqual(relativePositions([1, 3, 2, 5]), [0, 0.5, 0.25, 1]);
  assert.deepEqual(relativePositions([2, 2]), [0.5, 0.5]);
});

test("patterns are counted over the heads of a mean, the most frequent first", () => {
  const { data } = createView();
  assert.deepEqual(countPatterns(data, [0, 1, 2, 3]), [["mixed", 3], ["broad", 1]]);
  assert.deepEqual(countPatterns(data, [1]), [["broad", 1]]);
});
