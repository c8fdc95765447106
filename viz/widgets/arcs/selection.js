// Which arcs are drawn, and what share of the weight they hold: numbers only, nothing is drawn here.

const MOST_DRAWN = 300; // where no token is chosen

/** One arc after another to `visit(head, query, key, value)`, for the chosen heads. */
function eachArc({ data, chosen, targets, values }, queries, visit) {
  for (const head of chosen) {
    for (let query = queries[0]; query < queries[1]; query++) {
      const start = (head * data.rows + query) * data.count;
      for (let at = start; at < start + data.count; at++) {
        if (values[at]) visit(head, query, targets[at], values[at]);
      }
    }
  }
}

/** The arcs of one token, { side: "query" | "key", index }, or the strongest of all; weakest first. */
export function arcsOf(bundle, token) {
  const all = [0, bundle.data.rows];
  const arcs = [];
  const take = (head, query, key, value) => arcs.push({ head, query, key, value });
  if (token?.side === "query") eachArc(bundle, [token.index, token.index + 1], take);
  else if (token) eachArc(bundle, all, (head, query, key, value) => key === token.index && take(head, query, key, value));
  else {
    const least = thresholdOf(bundle, all);
    eachArc(bundle, all, (head, query, key, value) => Math.abs(value) >= least && take(head, query, key, value));
  }
  arcs.sort((one, other) => Math.abs(one.value) - Math.abs(other.value));
  return token ? arcs : arcs.slice(-MOST_DRAWN);
}

/** The size of the last of the strongest arcs. */
function thresholdOf(bundle, all) {
  const sizes = [];
  eachArc(bundle, all, (head, query, key, value) => sizes.push(Math.abs(value)));
  if (sizes.length <= MOST_DRAWN) return 0;
  return Float32Array.from(sizes).sort()[sizes.length - MOST_DRAWN];
}

/** The part, 0 to 1, of what a token sends or receives, or of all weight, that `arcs` hold. */
export function shareOf({ data, chosen, sent, received }, token, arcs) {
  const [totals, length] = token?.side === "key" ? [received, data.columns] : [sent, data.rows];
  let all = 0;
  for (const head of chosen) {
    const [from, to] = token ? [token.index, token.index + 1] : [0, length];
    for (let index = from; index < to; index++) all += totals[head * length + index];
  }
  const held = arcs.reduce((sum, { value }) => sum + Math.abs(value), 0);
  return all ? Math.min(held / all, 1) : 0;
}

/** The largest size of a chosen head's arcs: the scale of width and strength. */
export function largestOf(bundle) {
  let largest = 0;
  eachArc(bundle, [0, bundle.data.rows], (head, query, key, value) => {
    largest = Math.max(largest, Math.abs(value));
  });
  return largest || 1;
}
