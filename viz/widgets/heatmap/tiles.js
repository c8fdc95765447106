// A map of more cells than can be sent, in tiles: which are seen, which are missing, which are kept.

export const MAX_TILES_AT_ONCE = 6; // that are asked for together: at most 1.5 MB
const MAX_KEPT_PIXELS = 2 ** 23; // of all tiles together

/**
 * A part of a map at one level; the overview is one that covers the whole map.
 * @typedef {object} Tile
 * @property {string} map - The map it is a part of.
 * @property {number} rows - How many rows of pixels it has.
 * @property {number} columns - How many columns of them.
 * @property {number} top - The first row of cells that it covers.
 * @property {number} left - The first column.
 * @property {number} bottom - The row behind the last, or a part of one.
 * @property {number} right - The column behind the last.
 * @property {Uint8Array} [levels] - Of each pixel the place in the color scale by square roots.
 * @property {Float32Array} [values] - Exact values in place of levels, one pixel a cell.
 * @property {Uint8Array | null} impossible - 1 for each pixel that stands for no possible look.
 * @property {Float32Array | null} removed - What went from each row with the special tokens.
 */

/**
 * The level whose pixels are as small as those of the screen, or a little larger.
 * @param {{ frame: import("./geometry.js").Frame, viewport: import("./geometry.js").Viewport }} view - What is seen.
 * @param {[number, number][]} levels - Rows and columns of each level, the coarsest first.
 * @returns {number} 0 for the coarsest.
 */
export function levelInView({ frame, viewport }, levels) {
  const [height, width] = [frame.height, frame.width].map((length) => length * viewport.scale);
  const fitting = levels.findLastIndex(([rows, columns]) => rows <= height && columns <= width);
  return Math.max(fitting, 0);
}

/**
 * The tiles of a level that are seen, from the middle outwards.
 * @param {{ frame: import("./geometry.js").Frame, viewport: import("./geometry.js").Viewport }} view - What is seen.
 * @param {[number, number]} level - Rows and columns of the level.
 * @param {number} side - Pixels along a tile.
 * @returns {[number, number][]} Row and column of each tile.
 */
export function tilesInView({ frame, viewport }, level, side) {
  const seen = [frame.rows, frame.columns].map((count, axis) => {
    const first = axis ? viewport.x : viewport.y;
    const toTile = (cell) => ((cell / count) * level[axis]) / side;
    const last = Math.ceil(level[axis] / side) - 1;
    return { first: Math.floor(toTile(first)), end: toTile(first + count / viewport.scale), last };
  });
  const places = [];
  const [down, across] = seen;
  for (let row = down.first; row < Math.min(down.end, down.last + 1); row++) {
    for (let column = across.first; column < Math.min(across.end, across.last + 1); column++) {
      places.push([row, column]);
    }
  }
  const distance = ([row, column]) =>
    Math.hypot(row + 0.5 - (down.first + down.end) / 2, column + 0.5 - (across.first + across.end) / 2);
  return places.sort((one, other) => distance(one) - distance(other));
}

/**
 * Whether cells are seen so large that their exact values are asked for.
 * @param {object} view - The heat map of a map in tiles.
 * @returns {boolean} False where pixels stand for several cells.
 */
export function isExactLevel(view) {
  const { levels } = view.data.tiled;
  return levelInView(view, levels) === levels.length - 1;
}

/** Tiles of all maps that were looked at lately. */
export class TileStore {
  constructor() {
    this.tiles = new Map();
    this.nPixels = 0;
  }

  /** The tile at a place, `[level, row, column]`, of a map; undefined where it isn't there. */
  get(map, place) {
    const key = [map, ...place].join();
    const tile = this.tiles.get(key);
    if (tile) {
      this.tiles.delete(key); // those that were used last stand last
      this.tiles.set(key, tile);
    }
    return tile;
  }

  /** Keeps a tile; where there are too many, those go that were not used for the longest time. */
  add(place, tile) {
    const key = [tile.map, ...place].join();
    this.nPixels += tile.rows * tile.columns - sizeOf(this.tiles.get(key));
    this.tiles.delete(key);
    this.tiles.set(key, tile);
    for (const [oldest, old] of this.tiles) {
      if (this.nPixels <= MAX_KEPT_PIXELS || old === tile) break;
      this.tiles.delete(oldest);
      this.nPixels -= sizeOf(old);
    }
  }
}

function sizeOf(tile) {
  return tile ? tile.rows * tile.columns : 0;
}

/**
 * The tiles that are seen and not there yet, from the middle outwards.
 * @param {object} view - The heat map of a map in tiles.
 * @returns {{ level: number, places: [number, number][] }} Their level, row and column of each.
 */
export function missingTiles(view) {
  const { levels, side, map } = view.data.tiled;
  const level = levelInView(view, levels);
  const places = tilesInView(view, levels[level], side);
  return { level, places: places.filter((place) => !view.store.get(map, [level, ...place])) };
}

/**
 * The tiles to draw, the coarser ones first, which finer ones cover.
 * @param {object} view - The heat map of a map in tiles.
 * @returns {Tile[]} At least the overview.
 */
export function drawnTiles(view) {
  const { levels, side, map } = view.data.tiled;
  const tiles = [view.overview];
  for (let level = 0; level <= levelInView(view, levels); level++) {
    const places = tilesInView(view, levels[level], side);
    tiles.push(...places.map((place) => view.store.get(map, [level, ...place])));
  }
  return tiles.filter(Boolean);
}

/**
 * What is known exactly of a cell.
 * @param {object} view - The heat map of a map in tiles.
 * @param {number} row - The row of the cell.
 * @param {number} column - Its column.
 * @returns {{ value: number, impossible: boolean, removed: number } | null} Null where no exact tile is there.
 */
export function exactCell({ store, data }, row, column) {
  const { levels, side, map } = data.tiled;
  const tile = store.get(map, [levels.length - 1, Math.floor(row / side), Math.floor(column / side)]);
  if (!tile) return null;
  const index = (row - tile.top) * tile.columns + column - tile.left;
  const removed = tile.removed?.[row - tile.top] ?? 0;
  return { value: tile.values[index], impossible: Boolean(tile.impossible?.[index]), removed };
}
