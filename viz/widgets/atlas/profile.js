// What the selected head is like among all heads: each statistic as a row of marks, one a head.

import { createElement } from "../shared/elements.js";
import { formatStatistic, headName } from "./descriptions.js";

const SVG = "http://www.w3.org/2000/svg";
const [PLOT_WIDTH, PLOT_HEIGHT] = [200, 10]; // of the drawing, which is stretched to its place

/**
 * The heads that a selection stands for: one, or those that a mean is taken over.
 * @param {{ layers: number, heads: number }} data - How many there are.
 * @param {{ row: number, column: number }} cell - What is selected.
 * @returns {number[]} Places in the values of a statistic.
 */
export function headsOf({ layers, heads }, { row, column }) {
  const all = Array.from({ length: layers * heads }, (_, head) => head);
  const inRow = (head) => row === layers || Math.floor(head / heads) === row;
  return all.filter((head) => inRow(head) && (column === heads || head % heads === column));
}

/**
 * Where values lie between the lowest and the highest of all.
 * @param {number[]} values - One for each head.
 * @returns {number[]} 0 to 1; one half where all are equal.
 */
export function relativePositions(values) {
  const [lowest, highest] = [Math.min(...values), Math.max(...values)];
  return values.map((value) => (highest > lowest ? (value - lowest) / (highest - lowest) : 0.5));
}

/**
 * How many of some heads have each pattern, the most frequent first.
 * @param {object} data - The payload.
 * @param {number[]} heads - Places in the values of a statistic.
 * @returns {[string, number][]} Names of patterns with their counts.
 */
export function countPatterns(data, heads) {
  const { values } = data.statistics.find(({ name }) => name === "pattern");
  const counts = data.patterns.map(({ name }, pattern) => [name, heads.filter((head) => values[head] === pattern).length]);
  return counts.filter(([, count]) => count).sort(([, one], [, other]) => other - one);
}

/**
 * Shows the profile of the selected head or mean; draws only where it has changed.
 * @param {object} view - The atlas.
 */
export function updateProfile(view) {
  const { data, profile, selected } = view;
  profile.hidden = !data.statistics;
  if (profile.hidden || (view.profileData === data && view.profileCell === String([selected.row, selected.column]))) return;
  Object.assign(view, { profileData: data, profileCell: String([selected.row, selected.column]) });
  const heads = headsOf(data, selected);
  const numeric = data.statistics.filter(({ name }) => name !== "pattern");
  const rows = numeric.map((statistic) => createRow(statistic, heads));
  profile.querySelector("dl").replaceChildren(...createPatternRow(data, heads), ...rows.flat());
  profile.querySelector(".profile-note").textContent = noteOf(data, selected, heads);
}

function noteOf(data, selected, heads) {
  const means = heads.length > 1 ? `, whose numbers are means over ${heads.length} heads` : "";
  const total = data.layers * data.heads;
  return `One mark for each of ${total} heads, from the lowest to the highest; blue: ${headName(data, selected)}${means}.`;
}

function createPatternRow(data, heads) {
  if (!data.patterns.length) return [];
  const counts = countPatterns(data, heads);
  const text = heads.length > 1 ? counts.map(([name, count]) => `${name} ${count}`).join(" · ") : counts[0][0];
  const value = createElement("dd", "pattern-value", text);
  if (heads.length === 1) {
    const { sentence } = data.patterns.find(({ name }) => name === counts[0][0]);
    value.append(createElement("small", "", ` ${sentence}`));
  }
  return [createElement("dt", "", "pattern"), value];
}

function createRow(statistic, heads) {
  const label = createElement("dt", "", statistic.label);
  label.title = statistic.sentence;
  const mean = heads.reduce((sum, head) => sum + statistic.values[head], 0) / heads.length;
  const positions = relativePositions(statistic.values);
  const plot = createElement("dd", "plot");
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.append(createMarks(positions, "all"), createMarks(heads.map((head) => positions[head]), "own"));
  plot.append(svg);
  return [label, plot, createElement("dd", "value", formatStatistic(statistic, mean))];
}

/** One path of a vertical line at each position. */
function createMarks(positions, className) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("class", className);
  const lines = positions.map((position) => `M${1 + position * (PLOT_WIDTH - 2)} 0v${PLOT_HEIGHT}`);
  path.setAttribute("d", lines.join(""));
  return path;
}
