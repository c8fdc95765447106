// Which order heads stand in, and which of them are dimmed.

const STORAGE_KEY = "clsight-atlas";
const WHOLE_RANGE = [0, 1000]; // thousandths of the range of a statistic

/**
 * What the reader chose.
 * @typedef {object} Settings
 * @property {string} curve - "root" or "linear".
 * @property {string} scale - "shared", "own" for each head's own, or empty for the default.
 * @property {string} statistic - The name of one, or empty.
 * @property {boolean} sort - Whether heads are sorted by it.
 * @property {string} pattern - The one that is not dimmed, or empty for all.
 * @property {Record<string, [number, number]>} ranges - Of each statistic what is not dimmed.
 */

/**
 * Heads that stand together.
 * @typedef {object} Group
 * @property {string} [title] - What is written above them.
 * @property {number} textLines - Lines of text below each.
 * @property {{ row: number, column: number }[]} heads - In their order.
 */

/**
 * The settings of the last picture or the last visit of this window.
 * @returns {Settings} Or the defaults.
 */
export function loadSettings() {
  const defaults = { curve: "root", scale: "", statistic: "", sort: true, pattern: "", ranges: {} };
  try {
    return { ...defaults, ...JSON.parse(sessionStorage.getItem(STORAGE_KEY)) };
  } catch {
    return defaults; // nothing may be stored here, as in some pages opened from disk
  }
}

/**
 * Keeps the settings for the next picture and the next visit of this window.
 * @param {Settings} settings - What the reader chose.
 */
export function storeSettings(settings) {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(settings));
  } catch {
    // Then they last as long as the picture does.
  }
}

/**
 * Which color scale is shown.  Contributions differ so much in size that most heads would be blank
 * on a shared one, so they start with their own.
 * @param {{ data: object, settings: Settings }} view - The atlas.
 * @returns {string} "own" where each head has a color scale to itself, else "shared".
 */
export function scaleOf({ data, settings }) {
  return settings.scale || (data.signed && !data.difference ? "own" : "shared");
}

/**
 * The statistic that is chosen.
 * @param {{ data: object, settings: Settings }} view - The atlas.
 * @returns {object | undefined} Undefined where none is, or the picture came without.
 */
export function chosenStatistic({ data, settings }) {
  return data.statistics?.find(({ name }) => name === settings.statistic);
}

/**
 * The part of a statistic's range that is not dimmed.
 * @param {Settings} settings - What the reader chose.
 * @param {{ name: string }} statistic - The statistic.
 * @returns {[number, number]} From and to, in thousandths.
 */
export function rangeOf({ ranges }, { name }) {
  return ranges[name] ?? WHOLE_RANGE;
}

/**
 * The values between which heads are not dimmed.
 * @param {{ settings: Settings }} view - The atlas.
 * @param {{ name: string, values: number[] }} statistic - The statistic.
 * @returns {[number, number]} From and to.
 */
export function boundsOf({ settings }, statistic) {
  const [least, most] = [Math.min(...statistic.values), Math.max(...statistic.values)];
  return rangeOf(settings, statistic).map((share) => least + ((most - least) * share) / 1000);
}

/**
 * A test for heads that are not dimmed.
 * @param {{ data: object, settings: Settings }} view - The atlas.
 * @returns {((head: number) => boolean) | null} Null where none is dimmed.
 */
export function headFilter(view) {
  const statistic = chosenStatistic(view);
  if (!statistic) return null;
  if (statistic.name === "pattern") {
    const wanted = view.data.patterns.findIndex(({ name }) => name === view.settings.pattern);
    return wanted < 0 ? null : (head) => statistic.values[head] === wanted;
  }
  const [from, to] = rangeOf(view.settings, statistic);
  if (from <= 0 && to >= 1000) return null;
  // At its ends the slider takes in the heads that are there, whatever rounding does.
  const [least, most] = boundsOf(view, statistic);
  return (head) =>
    (from <= 0 || statistic.values[head] >= least) && (to >= 1000 || statistic.values[head] <= most);
}

/**
 * Groups of heads in the order of the chosen statistic, means last.
 * @param {{ data: object, settings: Settings }} view - The atlas.
 * @returns {Group[] | null} Null where heads stand in their own places.
 */
export function sortedGroups(view) {
  const { data, settings } = view;
  const statistic = chosenStatistic(view);
  if (!statistic || !settings.sort) return null;
  const { heads, layers } = data;
  const indices = Array.from({ length: layers * heads }, (_, head) => head);
  const position = (head) => ({ row: Math.floor(head / heads), column: head % heads });
  const means = { title: "means", textLines: 1, heads: [{ row: layers, column: heads }] };
  for (let row = 0; row < layers; row++) means.heads.push({ row, column: heads });
  for (let column = 0; column < heads; column++) means.heads.push({ row: layers, column });
  if (statistic.name !== "pattern") {
    indices.sort((one, other) => statistic.values[other] - statistic.values[one]);
    return [{ textLines: 2, heads: indices.map(position) }, means];
  }
  const groups = data.patterns.map(({ name }, pattern) => {
    const own = indices.filter((head) => statistic.values[head] === pattern).map(position);
    return { title: `${name} (${own.length})`, textLines: 1, heads: own };
  });
  return [...groups.filter((group) => group.heads.length), means];
}

/**
 * Where a key leads, in the order that is shown.
 * @param {import("./thumbnails.js").Layout} layout - Where heads stand.
 * @param {{ row: number, column: number }} cell - Where one is.
 * @param {string} key - The name of the key.
 * @param {boolean} sorted - Whether heads stand one after another, not in rows and columns.
 * @returns {import("./thumbnails.js").Cell | undefined} Undefined for other keys.
 */
export function nextCell({ lines, cells }, { row, column }, key, sorted) {
  const isHere = (cell) => cell.row === row && cell.column === column;
  const down = Math.max(0, lines.findIndex((line) => line.some(isHere)));
  const across = Math.max(0, lines[down].findIndex(isHere));
  const index = Math.max(0, cells.findIndex(isHere));
  const inLine = (line) => lines[line]?.[Math.min(across, lines[line].length - 1)] ?? lines[down][across];
  const beside = (step) => (sorted ? cells[index + step] : lines[down][across + step]) ?? lines[down][across];
  const line = sorted ? cells : lines[down];
  const targets = {
    ArrowUp: () => inLine(down - 1),
    ArrowDown: () => inLine(down + 1),
    ArrowLeft: () => beside(-1),
    ArrowRight: () => beside(1),
    Home: () => line[0],
    End: () => line.at(-1),
  };
  return targets[key]?.();
}
