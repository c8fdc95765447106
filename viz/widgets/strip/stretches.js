// Where things stand along the strip, in characters of the text.

/**
 * The stretch at a place, else the last one before it.
 * @param {[number, number][]} stretches - First character of each, and one past its last; in order.
 * @param {number} place - A character.
 * @returns {number} Its index; 0 before the first one.
 */
export function indexAt(stretches, place) {
  let [low, high] = [0, stretches.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (stretches[middle][0] <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * The pixels of a stretch: one at least, and a gap behind it where there is room for one.
 * @param {[number, number]} stretch - Its first character, and one past its last.
 * @param {number} length - Characters of the whole strip.
 * @param {number} width - Pixels of the whole strip.
 * @param {number} [gap] - Pixels of the gap.
 * @returns {[number, number]} Its first pixel, and how many it takes.
 */
export function pixelsOf([start, end], length, width, gap = 0) {
  const left = Math.min(width - 1, Math.floor((start / length) * width));
  const size = Math.max(1, Math.round((end / length) * width) - left);
  return [left, size > 3 * gap ? size - gap : size];
}

/**
 * The order to paint in, so that where several lie on a pixel the strongest is seen.
 * @param {number[]} shares - Scores as shares of the largest.
 * @returns {number[]} Indices, the weakest first.
 */
export function paintOrder(shares) {
  return shares.map((_, index) => index).sort((one, other) => Math.abs(shares[one]) - Math.abs(shares[other]));
}

/**
 * The place of a color on a scale.
 * @param {number} share - A score as a share of the largest, from -1 to 1, or from 0.
 * @param {boolean} signed - Whether the scale has two ends.
 * @param {number} count - Colors of the scale.
 * @returns {number} An index.
 */
export function colorIndex(share, signed, count) {
  const position = signed ? (share + 1) / 2 : share;
  return Math.round(Math.max(0, Math.min(position, 1)) * (count - 1));
}
