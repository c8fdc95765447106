// From values to places in the color scale of a heat map.

/**
 * The color of each cell as an index into the color scale: 0 is its first color, or its middle one
 * if values are signed.
 * @param {ArrayLike<number>} values - The values of all cells.
 * @param {{ signed: boolean, largest: number }} data - What the scale reaches.
 * @param {boolean} linear - Whether colors follow the values themselves, not their square roots.
 * @param {number} nColors - How many colors the scale has.
 * @param {Uint8Array | null} [impossible] - 1 for each cell that can't be looked at.
 * @returns {Uint8Array} One index for each value; `nColors` where it is impossible.
 */
export function colorIndices(values, { signed, largest }, linear, nColors, impossible = null) {
  const indices = new Uint8Array(values.length);
  const last = nColors - 1;
  const [zero, span] = signed ? [last / 2, last / 2] : [0, last];
  for (let index = 0; index < values.length; index++) {
    const share = Math.min(Math.abs(values[index]) / (largest || 1), 1) || 0;
    const height = (linear ? share : Math.sqrt(share)) * span;
    indices[index] = Math.round(values[index] < 0 ? zero - (signed ? height : 0) : zero + height);
    if (impossible?.[index]) indices[index] = nColors;
  }
  return indices;
}

/**
 * The place in a linear color scale for each place in one by square roots.
 * @param {boolean} signed - Whether 0 is in the middle.
 * @param {number} nColors - How many colors there are.
 * @returns {number[]} One for each color, and one more that stays as it is: what is impossible.
 */
export function linearIndices(signed, nColors) {
  const last = nColors - 1;
  const [zero, span] = signed ? [last / 2, last / 2] : [0, last];
  return Array.from({ length: nColors + 1 }, (_, index) => {
    const height = (index - zero) / span;
    return index === nColors ? nColors : Math.round(zero + Math.sign(height) * height ** 2 * span);
  });
}
