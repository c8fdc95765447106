// Numbers from `packed.py`: base64, then deflate, then one plane for each byte of a number.

export async function unpackFloats(text) {
  return new Float32Array(await unpackBytes(text, 4));
}

export async function unpackIndices(text) {
  return new Uint16Array(await unpackBytes(text, 2));
}

async function unpackBytes(text, size) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = letters.charCodeAt(at);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const values = new Uint8Array(planes.length);
  const count = planes.length / size;
  for (let plane = 0; plane < size; plane++) {
    for (let at = 0; at < count; at++) values[at * size + plane] = planes[plane * count + at];
  }
  return values.buffer;
}
