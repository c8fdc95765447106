// Which arcs are drawn, and what share of the weight they hold: numbers only, nothing is drawn here.

const MAX_ARCS = 300; // where no token is chosen

/**
 * An arc of one head.
 * @typedef {object} Arc
 * @property {number} head - The index of the head.
 * @property {number} query - The index of the token that looks.
 * @property {number} key - That of the token looked at.
 * @property {number} value - The weight, or the signed share.
 */

/**
 * A token of one of the two columns.
 * @typedef {object} TokenPosition
 * @property {"query" | "key"} side - Which column.
 * @property {number} index - Its place in there.
 */

/**
 * The arcs that were sent.
 * @typedef {object} ArcData
 * @property {{ rows: number, columns: number, top_k: number }} data - How many queries and keys
 *     there are, and how many keys of each query were sent.
 * @property {Set<number>} heads - The heads that are drawn.
 * @property {Uint16Array} topKeys - Of each head and query the strongest keys.
 * @property {Float32Array} values - The values of these.
 * @property {Float32Array} queryTotals - Of each head and query the size of all its values.
 * @property {Float32Array} keyTotals - Of each head and key.
 * @property {Uint8Array | null} impossible - Of each query and key 1 where no head can look there.
 */

/** Gives one arc after another to `visit(head, query, key, value)`, for the heads that are drawn. */
function forEachArc({ data, heads, topKeys, values }, [firstQuery, endQuery], visit) {
  for (const head of heads) {
    for (let query = firstQuery; query < endQuery; query++) {
      const start = (head * data.rows + query) * data.top_k;
      for (let index = start; index < start + data.top_k; index++) {
        if (values[index]) visit(head, query, topKeys[index], values[index]);
      }
    }
  }
}

/**
 * The arcs of one token, or the strongest of all.
 * @param {ArcData} arcData - What was sent.
 * @param {TokenPosition | null} token - Whose arcs; null for no token.
 * @returns {Arc[]} The weakest first.
 */
export function selectArcs(arcData, token) {
  const allQueries = [0, arcData.data.rows];
  const queries = token?.side === "query" ? [token.index, token.index + 1] : allQueries;
  const least = token ? 0 : strengthThreshold(arcData, allQueries);
  const arcs = [];
  forEachArc(arcData, queries, (head, query, key, value) => {
    if (token?.side === "key" && key !== token.index) return;
    if (Math.abs(value) >= least) arcs.push({ head, query, key, value });
  });
  arcs.sort((one, other) => Math.abs(one.value) - Math.abs(other.value));
  return token ? arcs : arcs.slice(-MAX_ARCS);
}

/** The size of the last of the strongest arcs. */
function strengthThreshold(arcData, allQueries) {
  const sizes = [];
  forEachArc(arcData, allQueries, (head, query, key, value) => sizes.push(Math.abs(value)));
  if (sizes.length <= MAX_ARCS) return 0;
  return Float32Array.from(sizes).sort()[sizes.length - MAX_ARCS];
}

/**
 * The tokens that a token can't look at, or that can't look at it.
 * @param {ArcData} arcData - What was sent.
 * @param {TokenPosition} token - The token.
 * @returns {number[]} Their places in the other column.
 */
export function impossiblePartners({ data, impossible }, { side, index }) {
  if (!impossible) return [];
  const isQuery = side === "query";
  const others = Array.from({ length: isQuery ? data.columns : data.rows }, (_, other) => other);
  return others.filter((other) => impossible[isQuery ? index * data.columns + other : other * data.columns + index]);
}

/**
 * The part of what a token gives or gets, or of all weight, that arcs hold.
 * @param {ArcData} arcData - What was sent.
 * @param {TokenPosition | null} token - Whose weight; null for all of it.
 * @param {Arc[]} arcs - What is drawn.
 * @returns {number} 0 to 1; 0 where there is no weight.
 */
export function weightShare({ data, heads, queryTotals, keyTotals }, token, arcs) {
  const [totals, count] = token?.side === "key" ? [keyTotals, data.columns] : [queryTotals, data.rows];
  const [first, end] = token ? [token.index, token.index + 1] : [0, count];
  let total = 0;
  for (const head of heads) {
    for (let index = first; index < end; index++) total += totals[head * count + index];
  }
  const drawn = arcs.reduce((sum, { value }) => sum + Math.abs(value), 0);
  return total ? Math.min(drawn / total, 1) : 0;
}

/**
 * The largest size of an arc of the heads that are drawn: the scale of width and strength.
 * @param {ArcData} arcData - What was sent.
 * @returns {number} The size; 1 where there is no arc.
 */
export function largestSize(arcData) {
  let largest = 0;
  forEachArc(arcData, [0, arcData.data.rows], (head, query, key, value) => {
    largest = Math.max(largest, Math.abs(value));
  });
  return largest || 1;
}
