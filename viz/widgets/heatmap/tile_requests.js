// Asks the server for the tiles that are looked at, and takes what it sends.

import { decodeBits, decodeFloat32, decodeUint8 } from "../shared/array_codec.js";
import { createElement } from "../shared/elements.js";
import { MAX_TILES_AT_ONCE, missingTiles } from "./tiles.js";

const REST = 150; // milliseconds without a move before tiles are asked for
const POLL = 400; // between two looks at what takes long
const PATIENCE = 15_000; // after which an answer is not waited for any more

/**
 * Takes the tiles that `tile_messages.js` hands over, and says what is seen where the reader leaves.
 * @param {object} view - The heat map.
 * @param {AbortSignal} signal - Ends it.
 */
export function listenForTiles(view, signal) {
  const receive = ({ detail }) => takeTiles(view, detail);
  window.addEventListener("clsight:tiles", receive, { signal });
  // Who zooms and at once presses a button of the page means what is seen now.
  const leave = () => isDrawn(view) && sendWindow(view);
  for (const type of ["focusout", "pointerleave"]) view.root.addEventListener(type, leave, { signal });
  signal.addEventListener("abort", () => clearTimeout(view.asking));
}

/**
 * Begins with a map in tiles: what was sent of it before the picture was there is taken now.
 * @param {object} view - The heat map.
 */
export function beginTiles(view) {
  Object.assign(view, { sentAt: -Infinity, isStopped: false });
  const early = window.clsightTiles?.get(view.data.picture);
  if (early) takeTiles(view, early);
}

/**
 * Asks for the tiles that are seen and missing, once the picture has come to rest.
 * @param {object} view - The heat map.
 * @param {number} [delay] - Milliseconds until then.
 */
export function requestTiles(view, delay = REST) {
  clearTimeout(view.asking);
  view.asking = setTimeout(() => sendRequest(view), delay);
}

const isDrawn = ({ data, frame }) => Boolean(data?.tiled && frame);

function sendRequest(view) {
  if (!isDrawn(view)) return;
  sendWindow(view);
  if (view.isStopped) return;
  const { level, places } = missingTiles(view);
  if (!places.length) {
    showWaiting(view, null);
    return;
  }
  if (performance.now() - view.sentAt < PATIENCE) return; // the answer asks again
  view.sentAt = performance.now();
  const { map } = view.data.tiled;
  view.last.setTriggerValue("request", { map, level, places: places.slice(0, MAX_TILES_AT_ONCE) });
}

/** Tells the server which rows and columns are seen, once they are others than before. */
function sendWindow(view) {
  const { frame, viewport } = view;
  const range = (first, count) => {
    const end = Math.min(Math.ceil(first + count / viewport.scale - 1e-6), count);
    return [Math.floor(first + 1e-6), end];
  };
  const window = [...range(viewport.y, frame.rows), ...range(viewport.x, frame.columns)];
  if (String(window) === String(view.window)) return;
  view.window = window;
  view.last.setStateValue("window", window);
}

async function takeTiles(view, { picture, map, tiles, waiting, stopped }) {
  if (!view.data?.tiled || picture !== view.data.picture) return;
  const decoded = await Promise.all(tiles.map((tile) => decodeTile(tile, map, view.data)));
  for (const [index, tile] of decoded.entries()) view.store.add(tiles[index].place, tile);
  if (map !== view.data.tiled.map) return;
  view.sentAt = -Infinity;
  view.isStopped = stopped;
  showWaiting(view, stopped ? "canceled" : waiting);
  if (tiles.length) view.redraw(); // which asks for those that are still missing
  else requestTiles(view, POLL);
  if (tiles.length && view.cell) view.readAgain();
}

/**
 * A tile, or the overview, as it is drawn.
 * @param {object} tile - As it was sent.
 * @param {string} map - The map it is a part of.
 * @returns {Promise<import("./tiles.js").Tile>} Its pixels.
 */
export async function decodeTile(tile, map) {
  const { rows, columns, cells, values, levels, impossible, removed } = tile;
  const [top, left, bottom, right] = cells;
  return {
    ...{ map, rows, columns, top, left, bottom, right },
    levels: levels && (await decodeUint8(levels)),
    values: values && (await decodeFloat32(values)),
    impossible: impossible ? await decodeBits(impossible, rows * columns) : null,
    removed: removed ? await decodeFloat32(removed) : null,
  };
}

/** Says in the foot of the picture how far the server is, and lets the reader stop it. */
function showWaiting(view, waiting) {
  const foot = view.find("foot");
  let line = foot.querySelector(".waiting");
  if (!waiting) {
    line?.remove();
    return;
  }
  if (!line) {
    line = createElement("span", "waiting");
    const button = createElement("button", "tool");
    button.type = "button";
    button.addEventListener("click", () => stopOrGoOn(view));
    line.append(createElement("span", "how-far"), button);
    foot.querySelector(".choice").before(line);
  }
  line.firstChild.textContent = view.isStopped ? "Finer cells: canceled" : `Finer cells: ${waiting}`;
  line.lastChild.textContent = view.isStopped ? "Compute" : "Cancel";
}

function stopOrGoOn(view) {
  view.isStopped = !view.isStopped;
  showWaiting(view, "…");
  if (view.isStopped) view.last.setTriggerValue("request", { map: view.data.tiled.map, stop: true });
  else requestTiles(view, 0);
}
