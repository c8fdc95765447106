// Names of tokens as a canvas writes them: shortened to fit, any script, never on one another.

export const LABEL_SIZE = 12; // CSS pixels
export const LABEL_STEP = 14; // from one label to the next, at least
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** A label of at most `most` characters, as a reader counts them. */
export function shortened(label, most) {
  if (label.length <= most) return label;
  const letters = Array.from(graphemes.segment(label), ({ segment }) => segment);
  return letters.length <= most ? label : `${letters.slice(0, most - 1).join("")}…`;
}

/** Labels that are at most `limit` wide in the pen's font, and the width of the widest. */
export function fitLabels(pen, { labels, special }, limit) {
  const known = new Map();
  const fit = (label) => {
    if (!known.has(label)) known.set(label, fitLabel(pen, label, limit));
    return known.get(label);
  };
  const texts = labels.map(fit);
  const widths = [...known.values()].map((text) => pen.measureText(text).width);
  return { texts, width: Math.max(...widths), special: new Set(special) };
}

/** Isolated, so that neither its direction nor that of the ellipsis depends on what is around. */
function fitLabel(pen, label, limit) {
  const isolated = (text) => `\u2068${text}\u2069`;
  const wide = (text) => pen.measureText(isolated(text)).width > limit;
  let text = shortened(label, 40);
  if (!wide(text)) return isolated(text);
  let [few, most] = [1, 40];
  while (most - few > 1) {
    const middle = (few + most) >> 1;
    if (wide(shortened(label, middle))) most = middle;
    else few = middle;
  }
  return isolated(shortened(label, few));
}

/** Writes the labels that fit along one axis; the active one always, and bold.
 *  `write(text, at)` writes one with its middle at `at`; `at(index)` is where that lies. */
export function writeAxis(pen, axis, { at, step, from, to, colors, font, active }, write) {
  const count = axis.texts.length;
  const apart = Math.max(1, Math.ceil(step / (at(1) - at(0))));
  const near = (index) => active !== null && Math.abs(at(index) - at(active)) < step;
  const set = (index, color, weight) => {
    const middle = at(index);
    if (middle < from || middle > to) return;
    pen.font = font(weight);
    pen.fillStyle = color;
    write(axis.texts[index], middle);
  };
  for (let index = 0; index < count; index += apart) {
    if (!near(index)) set(index, axis.special.has(index) ? colors.muted : colors.ink, 400);
  }
  if (active !== null) set(active, colors.accent, 600);
}
