// A grid of thumbnails as pixels: one byte a dot comes in, an image of the right size goes out.

const LABEL_WIDTH = 34;
const LABEL_HEIGHT = 20;
const LARGEST_CELL = 120;

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Where cells lie, in device pixels, for the width that the page gives. */
function layout({ root, data }) {
  const ratio = window.devicePixelRatio || 1;
  const px = (length) => Math.round(length * ratio);
  const [left, top, gap, apart, edge] = [LABEL_WIDTH, LABEL_HEIGHT, 3, 6, 3].map(px);
  const room = Math.floor(root.clientWidth * ratio) - left - apart - edge - data.heads * gap;
  const cell = Math.max(2, Math.min(px(LARGEST_CELL), Math.floor(room / (data.heads + 1))));
  const x = (column) => left + column * (cell + gap) + (column === data.heads ? apart : 0);
  const y = (row) => top + row * (cell + gap) + (row === data.layers ? apart : 0);
  const [width, height] = [x(data.heads) + cell + edge, y(data.layers) + cell + edge];
  return { ratio, px, left, top, gap, apart, edge, cell, x, y, width, height };
}

/** All thumbnails, enlarged to whole pixels or shrunk by taking the largest dot. */
function paint({ data, dots, place, root }) {
  const colors = data.themes[root.dataset.theme];
  const picture = new OffscreenCanvas(place.width, place.height);
  const pen = picture.getContext("2d");
  const image = pen.createImageData(place.width, place.height);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = colors.scale.map(pixelOf);
  const [line, { cell, width }] = [pixelOf(colors.line), place];
  const from = Array.from({ length: cell + 1 }, (_, at) => Math.floor((at * data.side) / cell));
  for (let row = 0; row <= data.layers; row++) {
    for (let column = 0; column <= data.heads; column++) {
      const start = (row * (data.heads + 1) + column) * data.side * data.side;
      const corner = place.y(row) * width + place.x(column);
      frame(pixels, line, corner, cell, width);
      for (let y = 0; y < cell; y++) {
        for (let x = 0; x < cell; x++) {
          const level = largest(dots, start, data.side, from, y, x);
          pixels[corner + y * width + x] = scale[level];
        }
      }
    }
  }
  pen.putImageData(image, 0, 0);
  return picture;
}

function largest(dots, start, side, from, y, x) {
  let most = 0;
  for (let row = from[y]; row < Math.max(from[y] + 1, from[y + 1]); row++) {
    for (let column = from[x]; column < Math.max(from[x] + 1, from[x + 1]); column++) {
      most = Math.max(most, dots[start + row * side + column]);
    }
  }
  return most;
}

function frame(pixels, color, corner, cell, width) {
  for (let at = -1; at <= cell; at++) {
    pixels[corner - width + at] = pixels[corner + cell * width + at] = color;
    pixels[corner + at * width - 1] = pixels[corner + at * width + cell] = color;
  }
}

function pixelOf(color) {
  const number = parseInt(color.slice(1), 16);
  return (0xff000000 | ((number & 0xff) << 16) | (number & 0xff00) | (number >> 16)) >>> 0;
}

