// The cells of a heat map as pixels; where they are smaller than pixels, the strongest of each.

import { READABLE, cellSides, cornerOf } from "./frame.js";

/** The colour of each cell as an index into the scale; 0 is the first, or the middle if signed. */
function levelsOf({ values, data, linear }, steps) {
  const levels = new Uint8Array(values.length);
  const last = steps - 1;
  const [zero, span] = data.signed ? [last / 2, last / 2] : [0, last];
  const largest = data.largest || 1;
  for (let at = 0; at < values.length; at++) {
    const share = Math.min(Math.abs(values[at]) / largest, 1) || 0;
    const size = (linear ? share : Math.sqrt(share)) * span;
    levels[at] = Math.round(values[at] < 0 ? zero - (data.signed ? size : 0) : zero + size);
  }
  return levels;
}

/** One pixel a cell. */
function cellImage(levels, colors, columns, rows) {
  return pixelImage(columns, rows, colors, (pixels, scale) => {
    for (let at = 0; at < levels.length; at++) pixels[at] = scale[levels[at]];
  });
}

/** One pixel for the strongest of the cells that it covers. */
function pooledImage(view, levels, colors) {
  const { place, zoom, data } = view;
  const { columns, width, height } = place;
  const edges = (length, count, from) =>
    Array.from({ length: length + 1 }, (_, at) =>
      Math.min(Math.floor(from + (at * count) / zoom.by / length), count),
    );
  const across = edges(width, columns, zoom.x);
  const down = edges(height, place.rows, zoom.y);
  const zero = data.signed ? (colors.scale.length - 1) / 2 : 0;
  return pixelImage(width, height, colors, (pixels, scale) => {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let most = zero;
        for (let row = down[y]; row < Math.max(down[y + 1], down[y] + 1); row++) {
          for (let column = across[x]; column < Math.max(across[x + 1], across[x] + 1); column++) {
            const level = levels[row * columns + column];
            if (Math.abs(level - zero) > Math.abs(most - zero)) most = level;
          }
        }
        pixels[y * width + x] = scale[most];
      }
    }
  });
}

function pixelImage(width, height, colors, fill) {
  const picture = new OffscreenCanvas(width, height);
  const pen = picture.getContext("2d");
  const image = pen.createImageData(width, height);
  const scale = Uint32Array.from(colors.scale, (color) => {
    const number = parseInt(color.slice(1), 16);
    return 0xff000000 | ((number & 0xff) << 16) | (number & 0xff00) | (number >> 16);
  });
  fill(new Uint32Array(image.data.buffer), scale);
  pen.putImageData(image, 0, 0);
  return picture;
}

/** Lays the cells that are seen into the frame. */
export function paintCells(view, pen, colors) {
  const { place, zoom } = view;
  const { left, top, width, height, columns, rows } = place;
  const [wide, high] = cellSides(view);
  view.levels ??= levelsOf(view, colors.scale.length);
  if (Math.min(wide, high) < 1) {
    pen.drawImage(pooledImage(view, view.levels, colors), left, top);
  } else {
    view.image ??= cellImage(view.levels, colors, columns, rows);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(view.image, zoom.x, zoom.y, columns / zoom.by, rows / zoom.by, left, top, width, height);
  }
  pen.strokeStyle = colors.line;
  pen.lineWidth = place.px(1);
  if (Math.min(wide, high) >= place.px(READABLE)) lines(view, pen);
  pen.strokeRect(left - pen.lineWidth / 2, top - pen.lineWidth / 2, width + pen.lineWidth, height + pen.lineWidth);
}

/** Thin lines between cells that are large enough to bear them. */
function lines(view, pen) {
  const { left, top, width, height, columns, rows } = view.place;
  pen.beginPath();
  for (let column = Math.ceil(view.zoom.x); column < columns; column++) {
    const x = Math.round(cornerOf(view, 0, column)[0]);
    if (x > left && x < left + width) pen.rect(x, top, 0, height);
  }
  for (let row = Math.ceil(view.zoom.y); row < rows; row++) {
    const y = Math.round(cornerOf(view, row, 0)[1]);
    if (y > top && y < top + height) pen.rect(left, y, width, 0);
  }
  pen.stroke();
}

/** Marks the row, the column and the cell that is read. */
export function markCell(view, pen, colors, [row, column]) {
  const { left, top, width, height, px } = view.place;
  const [[x, y], [wide, high]] = [cornerOf(view, row, column), cellSides(view)];
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  pen.strokeStyle = colors.accent;
  pen.lineWidth = px(1);
  pen.globalAlpha = 0.6;
  // Where cells are tiny, a line through them hides less than one on either side.
  const [across, down] = [wide, high].map((side) => (side < px(5) ? 0 : side + px(1)));
  const [beside, above] = [across ? x - px(0.5) : x + wide / 2, down ? y - px(0.5) : y + high / 2];
  pen.strokeRect(left - px(2), above, width + px(4), down);
  pen.strokeRect(beside, top - px(2), across, height + px(4));
  pen.globalAlpha = 1;
  pen.lineWidth = px(2);
  pen.strokeRect(x - px(1), y - px(1), wide + px(2), high + px(2));
  pen.restore();
}
