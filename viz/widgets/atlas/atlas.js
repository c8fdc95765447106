// The atlas: thumbnails of all heads painted into one canvas; a click or an arrow key selects.

import { mount } from "../shared/mount.js";
import { number } from "../shared/numbers.js";
import { followTheme } from "../shared/page_theme.js";
import { followControls, showControls } from "./controls.js";
import { captionOf, nameOf, patternOf, sentenceOf, showCard } from "./descriptions.js";
import { dim, labelHeads, labelLines, outline } from "./labels.js";
import { nextCell, scaleOf, sortedGroups, storedSettings } from "./order.js";
import { cellUnder, largestPeak, layout, paint, unpack } from "./thumbnails.js";

const KEY_PAUSE = 150; // milliseconds of rest before a selection by arrow keys is sent

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(name);
    const [canvas, card] = [find("canvas"), find(".card")];
    const settings = storedSettings();
    const view = { root, canvas, card, settings, turn: 0, hovered: null, selected: null };
    const life = new AbortController();
    const on = (target, type, react) => target.addEventListener(type, react, { signal: life.signal });
    const redraw = () => view.dots && draw(view);
    const repaint = () => {
      view.painted = null;
      hover(view, null);
      redraw();
    };
    const observer = new ResizeObserver(() => root.clientWidth !== view.width && repaint());
    observer.observe(root);
    followControls(view, on, (what) => (what === "light" ? redraw() : repaint()));
    followReader(view, on);
    on(window, "clsight:select", ({ detail }) => {
      if (!view.data || detail.picture !== view.data.picture) return;
      adopt(view, detail);
      redraw();
    });
    const stopTheme = followTheme(root, repaint);
    view.show = (given) => show(view, given);
    view.stop = () => {
      clearTimeout(view.timer);
      observer.disconnect();
      life.abort();
      stopTheme();
    };
    return view;
  });
}

/** What the reader does on the canvas. */
function followReader(view, on) {
  const { canvas } = view;
  on(canvas, "pointermove", (event) => hover(view, cellAt(view, event)));
  on(canvas, "pointerleave", () => hover(view, null));
  on(canvas, "click", (event) => select(view, cellAt(view, event), 0));
  on(canvas, "keydown", (event) => press(view, event));
  on(window, "clsight:closed", () => {
    if (view.opened) canvas.focus({ preventScroll: true });
    view.opened = false;
  });
}

async function show(view, { data, setStateValue }) {
  view.send = (value) => setStateValue("selected", value);
  if (data.dots !== view.data?.dots) {
    const dots = await unpack(data.dots);
    if (view.last.data !== data) return;
    view.dots = dots;
    view.painted = null;
  }
  view.data = data;
  view.hovered = null;
  view.card.hidden = true;
  view.canvas.setAttribute("aria-label", data.label);
  adopt(view, data.selected ?? window.clsightSelected?.get(data.picture));
  // A page without a server has nobody else who could say what is selected.
  if (!data.picture) view.selected ??= { row: 0, column: 0 };
  showControls(view);
  if (view.dots) draw(view);
}

/** Takes over a selection, unless it was made before the latest one made here. */
function adopt(view, chosen) {
  if (!chosen || ((chosen.turn ?? 0) < view.turn && view.selected)) return;
  view.selected = { row: chosen.layer ?? view.data.layers, column: chosen.head ?? view.data.heads };
  view.turn = chosen.turn ?? 0;
}

function draw(view) {
  const { canvas, data, root } = view;
  view.width = root.clientWidth;
  if (!view.width) return;
  const colors = data.themes[root.dataset.theme];
  if (!view.painted) {
    const groups = sortedGroups(view);
    view.place = layout(view, groups);
    view.sorted = Boolean(groups);
    view.painted = paint(view, colors);
    describe(view);
  }
  const { place } = view;
  canvas.width = place.width;
  canvas.height = place.height;
  canvas.style.width = `${place.width / place.ratio}px`;
  canvas.style.height = `${place.height / place.ratio}px`;
  const pen = canvas.getContext("2d");
  pen.drawImage(view.painted, 0, 0);
  dim(view, pen, colors);
  (view.sorted ? labelHeads : labelLines)(view, pen, colors);
  if (view.hovered) outline(place, pen, view.hovered, colors.ink, 1);
  if (!view.selected) return;
  const chosen = place.cells.find(({ row, column }) => row === view.selected.row && column === view.selected.column);
  if (chosen) outline(place, pen, chosen, colors.accent, 2);
  speak(view);
}

/** What stands around the picture as it is painted now. */
function describe(view) {
  const { canvas, data, place, root } = view;
  // A canvas has no elements to point at: this tells a script where its cells lie (CSS pixels).
  const places = place.cells.map(({ row, column, x, y }) => [row, column, x / place.ratio, y / place.ratio]);
  canvas.dataset.cells = JSON.stringify(places);
  root.querySelector(".foot").style.maxWidth = `${(place.width - place.edge) / place.ratio}px`;
  root.querySelector(".caption").textContent = captionOf(view);
  const own = scaleOf(view) === "own";
  const most = own ? "own largest" : number(largestPeak(data), data.signed);
  root.querySelector(".smallest").textContent = data.signed ? (own ? "−" : `−${most.slice(1)}`) : "0";
  root.querySelector(".largest").textContent = data.signed && own ? "+ own largest" : most;
  const ramp = root.querySelector(".ramp");
  for (const [theme, { ramp: colors }] of Object.entries(data.themes)) {
    ramp.style.setProperty(`--${theme}`, colors);
  }
}

function speak({ data, root, selected }) {
  const write = (name, text) => {
    const element = root.querySelector(name);
    if (element.textContent !== text) element.textContent = text;
  };
  write(".chosen", nameOf(data, selected));
  write(".pattern-name", patternOf(data, selected));
  write(".spoken", sentenceOf(data, selected));
}

function cellAt({ canvas, place }, event) {
  if (!place) return null;
  const box = canvas.getBoundingClientRect();
  return cellUnder(place, (event.clientX - box.left) * place.ratio, (event.clientY - box.top) * place.ratio);
}

function hover(view, cell) {
  if (cell === view.hovered) return;
  view.hovered = cell;
  view.canvas.style.cursor = cell ? "pointer" : "default";
  view.card.hidden = true;
  if (cell) showCard(view, cell);
  if (view.painted) draw(view);
}

function press(view, event) {
  if (event.key === "Escape") hover(view, null);
  if (!view.place || event.ctrlKey || event.metaKey || event.altKey) return;
  const from = view.selected ?? view.place.cells[0];
  const enters = event.key === "Enter" || event.key === " ";
  const target = enters ? from : nextCell(view.place, from, event.key, view.sorted);
  if (!target) return;
  event.preventDefault();
  hover(view, null);
  const chosen = select(view, target, enters ? 0 : KEY_PAUSE);
  if (event.key !== "Enter") return;
  view.opened = true;
  window.dispatchEvent(new CustomEvent("clsight:open", { detail: { layer: chosen.layer, head: chosen.head } }));
}

/** Outlines a cell at once and sends it after `pause`; each turn is a change, even to the same. */
function select(view, cell, pause) {
  if (!cell || !view.dots) return null;
  const { row, column } = (view.selected = cell);
  const { layers, heads } = view.data;
  view.turn += 1;
  draw(view);
  clearTimeout(view.timer);
  const value = { layer: row < layers ? row : null, head: column < heads ? column : null, turn: view.turn };
  view.timer = setTimeout(() => view.send(value), pause);
  return value;
}
