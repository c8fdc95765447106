// Which frame comes next.

/**
 * The frame after one; itself where that has not been read yet.
 * @param {{ pending?: boolean }[]} frames - All of them.
 * @param {number} index - The one that is shown.
 * @returns {number | null} Null at the end.
 */
export function nextFrame(frames, index) {
  if (index + 1 >= frames.length) return null;
  return frames[index + 1].pending ? index : index + 1;
}

/**
 * The frame nearest to a moment of the training; of two that are as near, the later one.
 * @param {{ epoch: number }[]} frames - All of them.
 * @param {number} epoch - How many epochs are done.
 * @returns {number} Its place.
 */
export function nearestFrame(frames, epoch) {
  const distance = (index) => Math.abs(frames[index].epoch - epoch);
  return frames.reduce((best, _, index) => (distance(index) <= distance(best) ? index : best), 0);
}

/**
 * A number for an axis: two digits, no more.
 * @param {number} value - The number, 0 or more.
 * @returns {string} E.g. "0.25", "1.4" or "120".
 */
export function shortNumber(value) {
  return value >= 10 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
