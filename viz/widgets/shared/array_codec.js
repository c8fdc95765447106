// Arrays from `array_codec.py`: base64, then deflate, then one plane for each byte of a number.

/**
 * The numbers of a float32 array.
 * @param {string} text - The encoded array.
 * @returns {Promise<Float32Array>} Its values, flat.
 */
export async function decodeFloat32(text) {
  return new Float32Array(await decodeBytes(text, 4));
}

/**
 * The numbers of a uint16 array.
 * @param {string} text - The encoded array.
 * @returns {Promise<Uint16Array>} Its values, flat.
 */
export async function decodeUint16(text) {
  return new Uint16Array(await decodeBytes(text, 2));
}

/**
 * The numbers of an int8 array.
 * @param {string} text - The encoded array.
 * @returns {Promise<Int8Array>} Its values, flat.
 */
export async function decodeInt8(text) {
  return new Int8Array(await decodeBytes(text, 1));
}

/**
 * The numbers of a uint8 array.
 * @param {string} text - The encoded array.
 * @returns {Promise<Uint8Array>} Its values, flat.
 */
export async function decodeUint8(text) {
  return new Uint8Array(await decodeBytes(text, 1));
}

/**
 * The truth values of an array of bits.
 * @param {string} text - The encoded array.
 * @param {number} count - How many there are.
 * @returns {Promise<Uint8Array>} 1 or 0 for each, flat.
 */
export async function decodeBits(text, count) {
  const bytes = new Uint8Array(await decodeBytes(text, 1));
  return Uint8Array.from({ length: count }, (_, index) => (bytes[index >> 3] >> (7 - (index & 7))) & 1);
}

/** The bytes of numbers of `size` bytes each. */
async function decodeBytes(text, size) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = letters.charCodeAt(index);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const values = new Uint8Array(planes.length);
  const count = planes.length / size;
  for (let plane = 0; plane < size; plane++) {
    for (let index = 0; index < count; index++) values[index * size + plane] = planes[plane * count + index];
  }
  return values.buffer;
}
