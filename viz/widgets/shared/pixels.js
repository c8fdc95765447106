// Pictures made pixel by pixel: a color for each, and the strongest value where one covers several.

/**
 * A color as the four bytes of a pixel.
 * @param {string} color - `#rrggbb`.
 * @returns {number} ABGR as an unsigned number: red comes first in memory.
 */
export function packColor(color) {
  const rgb = parseInt(color.slice(1), 16);
  return (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >> 16)) >>> 0;
}

/**
 * A picture whose pixels are set one by one.
 * @param {number} width - Pixels across.
 * @param {number} height - Pixels down.
 * @param {(pixels: Uint32Array) => void} fill - Sets the pixels, row after row.
 * @returns {OffscreenCanvas} The picture.
 */
export function createPixelImage(width, height, fill) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  fill(new Uint32Array(image.data.buffer));
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Max-abs pooling: of a block of a matrix the value that is farthest from zero.
 * @param {ArrayLike<number>} values - A matrix, row after row.
 * @param {number} columns - How many columns it has.
 * @param {[number, number]} rowRange - First row of the block, and the one behind its last.
 * @param {[number, number]} columnRange - First column, and the one behind the last.
 * @param {number} [zero] - The value that stands for nothing.
 * @param {number} [impossible] - What stands for no value at all; it is given where all are so.
 * @returns {number} The value; the first of several that are equally far from zero.
 */
export function poolMaxAbs(values, columns, [top, bottom], [left, right], zero = 0, impossible = NaN) {
  let strongest = isNaN(impossible) ? zero : impossible;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const value = values[row * columns + column];
      if (value === impossible) continue;
      if (strongest === impossible || Math.abs(value - zero) > Math.abs(strongest - zero)) strongest = value;
    }
  }
  return strongest;
}

/**
 * The cells that each of a line of pixels covers; where there are more pixels, each has one.
 * @param {number} length - How many pixels there are.
 * @param {number} count - How many cells there are in all.
 * @param {number} [first] - The cell at the first pixel.
 * @param {number} [scale] - How much larger cells are than if all were seen.
 * @returns {[number, number][]} The first cell of each pixel, and the one behind its last.
 */
export function pixelRanges(length, count, first = 0, scale = 1) {
  const edge = (pixel) => Math.min(Math.floor(first + (pixel * count) / scale / length), count);
  return Array.from({ length }, (_, pixel) => [edge(pixel), Math.max(edge(pixel + 1), edge(pixel) + 1)]);
}
