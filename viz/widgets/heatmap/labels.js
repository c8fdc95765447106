// Labels of tokens as a canvas writes them: shortened to fit, in any script, never on one another.

export const LABEL_SIZE = 12; // CSS pixels
export const LABEL_STEP = 14; // from one label to the next, at least
const MAX_CHARACTERS = 40;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/**
 * A label shortened with an ellipsis.
 * @param {string} label - The label.
 * @param {number} limit - Characters at most, as a reader counts them.
 * @returns {string} The label, or its beginning.
 */
export function truncate(label, limit) {
  if (label.length <= limit) return label;
  const characters = Array.from(graphemes.segment(label), ({ segment }) => segment);
  return characters.length <= limit ? label : `${characters.slice(0, limit - 1).join("")}…`;
}

/**
 * The labels of an axis as they are written.
 * @typedef {object} FittedLabels
 * @property {string[]} texts - The labels, shortened and isolated.
 * @property {number} width - The width of the widest.
 * @property {Set<number>} special - Indices of special tokens.
 */

/**
 * Shortens the labels of an axis.
 * @param {CanvasRenderingContext2D} context - Measures them in its font.
 * @param {{ labels: string[], special: number[] }} axis - The axis of a payload.
 * @param {number} limit - How wide one may be.
 * @returns {FittedLabels} What fits.
 */
export function fitLabels(context, { labels, special }, limit) {
  const fitted = new Map();
  const fit = (label) => {
    if (!fitted.has(label)) fitted.set(label, fitLabel(context, label, limit));
    return fitted.get(label);
  };
  const texts = labels.map(fit);
  const widths = [...fitted.values()].map((text) => context.measureText(text).width);
  return { texts, width: Math.max(...widths), special: new Set(special) };
}

/** Isolated, so that neither its direction nor that of the ellipsis depends on what is around. */
function fitLabel(context, label, limit) {
  const isolate = (text) => `\u2068${text}\u2069`;
  const isTooWide = (text) => context.measureText(isolate(text)).width > limit;
  const text = truncate(label, MAX_CHARACTERS);
  if (!isTooWide(text)) return isolate(text);
  let [fits, tooMany] = [1, MAX_CHARACTERS];
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1;
    if (isTooWide(truncate(label, middle))) tooMany = middle;
    else fits = middle;
  }
  return isolate(truncate(label, fits));
}

/**
 * How labels lie along an axis.
 * @typedef {object} AxisStyle
 * @property {(index: number) => number} at - Where the middle of a row or a column lies.
 * @property {number} step - What a label needs along the axis.
 * @property {number} from - Where the axis begins.
 * @property {number} to - Where it ends.
 * @property {number | null} active - The row or column that is read.
 * @property {{ ink: string, muted: string, accent: string }} colors - Of labels.
 * @property {(weight: number) => string} font - The font of a weight.
 */

/**
 * Writes the labels that fit along one axis; the active one always, and bold.
 * @param {CanvasRenderingContext2D} context - Writes.
 * @param {FittedLabels} labels - The labels of the axis.
 * @param {AxisStyle} style - How they lie.
 * @param {(text: string, middle: number) => void} write - Writes one with its middle at a place.
 */
export function drawAxisLabels(context, labels, { at, step, from, to, colors, font, active }, write) {
  const every = Math.max(1, Math.ceil(step / (at(1) - at(0))));
  const isNearActive = (index) => active !== null && Math.abs(at(index) - at(active)) < step;
  const drawLabel = (index, color, weight) => {
    const middle = at(index);
    if (middle < from || middle > to) return;
    context.font = font(weight);
    context.fillStyle = color;
    write(labels.texts[index], middle);
  };
  for (let index = 0; index < labels.texts.length; index += every) {
    if (!isNearActive(index)) drawLabel(index, labels.special.has(index) ? colors.muted : colors.ink, 400);
  }
  if (active !== null) drawLabel(active, colors.accent, 600);
}
