// A grid of thumbnails as pixels: one byte a dot comes in, an image of the right size goes out.

import { scaleOf } from "./order.js";

export const LABEL_WIDTH = 38;
export const LABEL_HEIGHT = 20;
const LARGEST_CELL = 120;
const NARROWEST = 42; // what the name under a thumbnail needs: "L11 H11"
const STEEPEST = 2.5; // a thumbnail is at most so many times longer than wide, or wider than long

export async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Int8Array(await new Response(stream).arrayBuffer());
}

/** Where thumbnails lie, in device pixels, for the width that the page gives.
 *  Without `groups` they stand in their rows and columns, with them one after another. */
export function layout({ root, data }, groups) {
  const ratio = window.devicePixelRatio || 1;
  const px = (length) => Math.round(length * ratio);
  const room = Math.floor(root.clientWidth * ratio);
  const steep = Math.max(1 / STEEPEST, Math.min(STEEPEST, data.shape[0] / data.shape[1]));
  const widest = px(LARGEST_CELL / Math.max(1, steep));
  const sized = (wide) => {
    const cell = Math.max(2, Math.min(widest, Math.floor(wide)));
    return { ratio, px, edge: px(3), wide: cell, high: Math.max(2, Math.round(cell * steep)) };
  };
  return groups ? flow(room, sized, px, groups, data.heads + 1) : grid(room, sized, px, data);
}

function grid(room, sized, px, { layers, heads }) {
  const [left, top, gap, apart] = [LABEL_WIDTH, LABEL_HEIGHT, 3, 6].map(px);
  const place = sized((room - left - apart - px(3) - heads * gap) / (heads + 1));
  const { wide, high, edge } = place;
  const x = (column) => left + column * (wide + gap) + (column === heads ? apart : 0);
  const y = (row) => top + row * (high + gap) + (row === layers ? apart : 0);
  const cells = [];
  for (let row = 0; row <= layers; row++) {
    for (let column = 0; column <= heads; column++) cells.push({ row, column, x: x(column), y: y(row) });
  }
  const lines = Array.from({ length: layers + 1 }, (_, row) => cells.filter((cell) => cell.row === row));
  const size = { width: x(heads) + wide + edge, height: y(layers) + high + edge };
  return { ...place, ...size, left, top, gap, apart, x, y, cells, lines, below: 0, titles: [] };
}

/** Groups below one another, each with its title and room for the lines of text of a thumbnail. */
function flow(room, sized, px, groups, most) {
  const [gap, text, heading] = [6, 12, 24].map(px);
  const across = Math.max(1, Math.min(most, Math.floor((room - px(6) + gap) / (px(NARROWEST) + gap))));
  const place = sized((room - px(6) - (across - 1) * gap) / across);
  const { wide, high, edge } = place;
  const [cells, lines, titles] = [[], [], []];
  let y = edge;
  for (const { title, heads, texts } of groups) {
    if (title) {
      titles.push({ title, y: y + heading / 2 });
      y += heading;
    }
    for (let at = 0; at < heads.length; at += across) {
      const line = heads.slice(at, at + across);
      lines.push(line.map((head, column) => ({ ...head, x: edge + column * (wide + gap), y })));
      y += high + texts * text + px(8);
    }
  }
  cells.push(...lines.flat());
  const width = Math.min(room, 2 * edge + across * (wide + gap) - gap);
  return { ...place, width, height: y, gap, apart: 0, left: edge, top: edge, cells, lines, below: text, titles };
}

/** The cell at a place in device pixels, the text below it and half the gaps around it included. */
export function cellUnder({ cells, wide, high, gap, below }, x, y) {
  const inside = (at, from, size) => at >= from - gap / 2 && at < from + size + gap / 2;
  return cells.find((cell) => inside(x, cell.x, wide) && inside(y, cell.y, high + below)) ?? null;
}

/** All thumbnails, enlarged to whole pixels or shrunk by taking the dot farthest from 0. */
export function paint(view, colors) {
  const { data, dots, place, settings } = view;
  const own = scaleOf(view) === "own";
  const picture = new OffscreenCanvas(place.width, place.height);
  const pen = picture.getContext("2d");
  const image = pen.createImageData(place.width, place.height);
  const pixels = new Uint32Array(image.data.buffer);
  const scale = colors.scale.map(pixelOf);
  const line = pixelOf(colors.line);
  const { rows, columns } = data;
  const [down, across] = [bins(place.high, rows), bins(place.wide, columns)];
  const largest = largestPeak(data);
  for (const { row, column, x, y } of place.cells) {
    const index = row * (data.heads + 1) + column;
    const corner = y * place.width + x;
    frame(pixels, line, corner, place);
    const share = own ? 1 : Math.abs(data.peaks[index]) / largest;
    const shades = shadesOf(scale, data, settings, share);
    const thumbnail = dots.subarray(index * rows * columns, (index + 1) * rows * columns);
    fill(pixels, corner, place.width, shades, data, thumbnail, down, across);
  }
  pen.putImageData(image, 0, 0);
  return picture;
}

function fill(pixels, corner, width, shades, { steps, columns }, dots, down, across) {
  for (let y = 0; y < down.length; y++) {
    const [top, bottom] = down[y];
    for (let x = 0; x < across.length; x++) {
      const [left, right] = across[x];
      let level = dots[top * columns + left];
      for (let row = top; row < bottom; row++) {
        for (let column = left; column < right; column++) {
          const other = dots[row * columns + column];
          if (Math.abs(other) > Math.abs(level)) level = other;
        }
      }
      pixels[corner + y * width + x] = shades[level + steps];
    }
  }
}

/** The dots, from and to, that each of `count` pixels stands for. */
function bins(count, dots) {
  const edge = (at) => Math.floor((at * dots) / count);
  return Array.from({ length: count }, (_, at) => [edge(at), Math.max(edge(at) + 1, edge(at + 1))]);
}

/** The colour of each level from -steps to steps of a head that reaches `share` of the scale. */
function shadesOf(scale, { steps, signed }, { curve }, share) {
  const shades = new Uint32Array(2 * steps + 1);
  for (let level = -steps; level <= steps; level++) {
    // Levels are roots: what is not shown as roots is squared again.
    const amount = (level / steps) ** 2 * share;
    const height = curve === "linear" ? amount : Math.sqrt(amount);
    const position = signed ? 0.5 + (Math.sign(level) * height) / 2 : height;
    shades[level + steps] = scale[Math.round(position * (scale.length - 1))];
  }
  return shades;
}

export function largestPeak({ peaks }) {
  return peaks.reduce((most, peak) => Math.max(most, Math.abs(peak)), 0) || 1;
}

function frame(pixels, color, corner, { wide, high, width }) {
  for (let at = -1; at <= wide; at++) {
    pixels[corner - width + at] = pixels[corner + high * width + at] = color;
  }
  for (let at = 0; at < high; at++) {
    pixels[corner + at * width - 1] = pixels[corner + at * width + wide] = color;
  }
}

function pixelOf(color) {
  const number = parseInt(color.slice(1), 16);
  return (0xff000000 | ((number & 0xff) << 16) | (number & 0xff00) | (number >> 16)) >>> 0;
}
