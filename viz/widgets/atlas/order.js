// Which order heads stand in, and which of them are dimmed.

/** What the reader chose, kept for the next picture and the next visit of this window. */
const CHOICES = "clsight-atlas";

export function storedSettings() {
  const fresh = { curve: "root", scale: "", fact: "", sort: true, pattern: "", ranges: {} };
  try {
    return { ...fresh, ...JSON.parse(sessionStorage.getItem(CHOICES)) };
  } catch {
    return fresh; // nothing may be stored here, as in some pages opened from disk
  }
}

/** "own" where each head has a colour scale to itself, else "shared".  Contributions differ so much
 *  in size that most heads would be blank on a shared one, so they start with their own. */
export function scaleOf({ data, settings }) {
  return settings.scale || (data.signed ? "own" : "shared");
}

export function storeSettings(settings) {
  try {
    sessionStorage.setItem(CHOICES, JSON.stringify(settings));
  } catch {
    // Then they last as long as the picture does.
  }
}

/** The fact that is chosen; undefined where none is, or the picture came without. */
export function chosenFact({ data, settings }) {
  return data.facts?.find(({ name }) => name === settings.fact);
}

/** The smallest and the largest value of a fact. */
function extent({ values }) {
  return values.reduce(([least, most], v) => [Math.min(least, v), Math.max(most, v)], [Infinity, -Infinity]);
}

/** The values between the two ends of the slider, which stand in thousandths of the extent. */
export function bounds({ settings }, fact) {
  const [least, most] = extent(fact);
  return rangeOf(settings, fact).map((at) => least + ((most - least) * at) / 1000);
}

export function rangeOf({ ranges }, { name }) {
  return ranges[name] ?? [0, 1000];
}

/** A test for heads that are not dimmed; null where none is. */
export function litBy(view) {
  const fact = chosenFact(view);
  if (!fact) return null;
  if (fact.name === "pattern") {
    const wanted = view.data.patterns.findIndex(({ name }) => name === view.settings.pattern);
    return wanted < 0 ? null : (head) => fact.values[head] === wanted;
  }
  const [from, to] = rangeOf(view.settings, fact);
  if (from <= 0 && to >= 1000) return null;
  // At its ends the slider takes in the heads that are there, whatever rounding does.
  const [least, most] = bounds(view, fact);
  return (head) => (from <= 0 || fact.values[head] >= least) && (to >= 1000 || fact.values[head] <= most);
}

/** Groups of heads in the order of the chosen fact, means last; null for their own places. */
export function sortedGroups(view) {
  const { data, settings } = view;
  const fact = chosenFact(view);
  if (!fact || !settings.sort) return null;
  const { heads, layers } = data;
  const all = Array.from({ length: layers * heads }, (_, head) => head);
  const cell = (head) => ({ row: Math.floor(head / heads), column: head % heads });
  const means = { title: "means", texts: 1, heads: [{ row: layers, column: heads }] };
  for (let row = 0; row < layers; row++) means.heads.push({ row, column: heads });
  for (let column = 0; column < heads; column++) means.heads.push({ row: layers, column });
  if (fact.name !== "pattern") {
    all.sort((one, other) => fact.values[other] - fact.values[one]);
    return [{ texts: 2, heads: all.map(cell) }, means];
  }
  const groups = data.patterns.map(({ name }, pattern) => {
    const own = all.filter((head) => fact.values[head] === pattern).map(cell);
    return { title: `${name} (${own.length})`, texts: 1, heads: own };
  });
  return [...groups.filter((group) => group.heads.length), means];
}

/** Where a key leads from `cell`, in the order that is shown; undefined for other keys. */
export function nextCell({ lines, cells }, { row, column }, key, sorted) {
  const at = (cell) => cell.row === row && cell.column === column;
  const down = Math.max(0, lines.findIndex((line) => line.some(at)));
  const across = Math.max(0, lines[down].findIndex(at));
  const step = Math.max(0, cells.findIndex(at));
  const near = (line) => lines[line]?.[Math.min(across, lines[line].length - 1)] ?? lines[down][across];
  const aside = (by) => (sorted ? cells[step + by] : lines[down][across + by]) ?? lines[down][across];
  const line = sorted ? cells : lines[down];
  const targets = {
    ArrowUp: () => near(down - 1),
    ArrowDown: () => near(down + 1),
    ArrowLeft: () => aside(-1),
    ArrowRight: () => aside(1),
    Home: () => line[0],
    End: () => line.at(-1),
  };
  return targets[key]?.();
}
