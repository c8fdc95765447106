// Which arcs are drawn, and what share of the weight they hold.

import assert from "node:assert/strict";
import test from "node:test";

import { captionOf } from "../../../viz/widgets/arcs/arcs.js";
import { impossiblePartners, largestSize, selectArcs, weightShare } from "../../../viz/widgets/arcs/selection.js";
import { formatPercent } from "../../../viz/widgets/arcs/token_columns.js";

/** Two heads, two queries, three keys, of which the two strongest were sent. */
function createArcData(...heads) {
  return {
    data: { rows: 2, columns: 3, top_k: 2 },
    heads: new Set(heads),
    topKeys: Uint16Array.of(0, 2, 1, 0, 2, 1, 0, 1),
    values: Float32Array.of(0.5, 0.25, -0.75, 0, 1, 0.5, 0.125, 0.0625),
    queryTotals: Float32Array.of(1, 1, 2, 0.25),
    keyTotals: Float32Array.of(0.75, 0.75, 0.5, 0.25, 0.75, 1.25),
  };
}

const describe = (arcs) => arcs.map(({ head, query, key, value }) => `${head}: ${query}>${key} ${value}`);

test("without a token all arcs of the chosen heads are drawn, the weakest first", () => {
  assert.deepEqual(describe(selectArcs(createArcData(0), null)), ["0: 0>2 0.25", "0: 0>0 0.5", "0: 1>1 -0.75"]);
  assert.equal(selectArcs(createArcData(0, 1), null).length, 7, "arcs of weight 0 are none");
  assert.deepEqual(selectArcs(createArcData(), null), []);
});

test("a query has its own arcs, a key those that lead to it", () => {
  const query = { side: "query", index: 1 };
  assert.deepEqual(describe(selectArcs(createArcData(0, 1), query)), ["1: 1>1 0.0625", "1: 1>0 0.125", "0: 1>1 -0.75"]);
  const key = { side: "key", index: 2 };
  assert.deepEqual(describe(selectArcs(createArcData(0, 1), key)), ["0: 0>2 0.25", "1: 0>2 1"]);
});

test("of very many arcs the 300 strongest are drawn", () => {
  const count = 1000;
  const arcData = {
    data: { rows: count, columns: 1, top_k: 1 },
    heads: new Set([0]),
    topKeys: new Uint16Array(count),
    values: Float32Array.from({ length: count }, (_, index) => (index + 1) / count),
  };
  const arcs = selectArcs(arcData, null);
  assert.equal(arcs.length, 300);
  assert.equal(Math.min(...arcs.map(({ query }) => query)), 700);
});

test("the share is of what the token gives or gets, or of all", () => {
  const arcData = createArcData(0);
  const share = (token) => weightShare(arcData, token, selectArcs(arcData, token));
  assert.equal(share({ side: "query", index: 0 }), 0.75);
  assert.equal(share({ side: "key", index: 2 }), 0.5);
  assert.equal(share(null), 0.75);
  assert.equal(weightShare({ ...arcData, heads: new Set() }, null, []), 0);
});

test("the scale is the largest size of the chosen heads", () => {
  assert.equal(largestSize(createArcData(0)), 0.75);
  assert.equal(largestSize(createArcData(0, 1)), 1);
  assert.equal(largestSize(createArcData()), 1);
});

test("a percentage does not round to all", () => {
  assert.deepEqual([1, 0.99951, 0.9994, 0].map(formatPercent), ["100%", "> 99.9%", "99.9%", "0.0%"]);
});

test("a token knows which others it can't look at, and which can't look at it", () => {
  const arcData = { data: { rows: 2, columns: 3 }, impossible: Uint8Array.of(0, 1, 1, 0, 0, 1) };
  const partners = (side, index) => impossiblePartners(arcData, { side, index });
  assert.deepEqual([partners("query", 0), partners("query", 1)], [[1, 2], [2]]);
  assert.deepEqual([partners("key", 0), partners("key", 1), partners("key", 2)], [[], [0], [0, 1]]);
  assert.deepEqual(impossiblePartners({ ...arcData, impossible: null }, { side: "query", index: 0 }), []);
});

test("a caption of signed arcs is true of a class and of a score", () => {
  const caption = (...heads) => captionOf({ data: { signed: true }, heads: new Set(heads) });
  assert.match(caption(0), /^Orange: against the class, or lowers the score\. Blue: for it, or raises it\. Width: size\./);
  assert.match(caption(0, 1), /^Color: head\. Dashed: against the class, or lowers the score\. Width: size\./);
  assert.doesNotMatch(captionOf({ data: { signed: false }, heads: new Set([0]) }), /class|score/);
});
