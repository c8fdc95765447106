// Thumbnails of all heads in one canvas; a click or an arrow key selects a head.

import { decodeInt8 } from "../shared/array_codec.js";
import { updateHatch } from "../shared/impossible.js";
import { hasModifier } from "../shared/keyboard.js";
import { mount } from "../shared/mount.js";
import { formatNumber } from "../shared/numbers.js";
import { followTheme } from "../shared/page_theme.js";
import { followControls, updateControls } from "./controls.js";
import { captionOf, describeHead, headName, headPattern, showCard } from "./descriptions.js";
import { flipHeads, followSwitch, isOff, layerLabelAt, strikeHeads, takeOff } from "./heads_off.js";
import { dimHeads, drawGridLabels, drawHeadLabels, outlineCell } from "./labels.js";
import { loadSettings, nextCell, scaleOf, sortedGroups } from "./order.js";
import { updateProfile } from "./profile.js";
import { cellAt, drawThumbnails, largestPeak, layOutThumbnails } from "./thumbnails.js";

const KEY_PAUSE = 150; // milliseconds of rest before a selection by arrow keys is sent

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `atlas/payload.py`,
 *     and the name of the `picture` where a server says what is selected, or what is `selected`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(name);
    const [canvas, card, profile] = [find("canvas"), find(".card"), find(".profile")];
    const view = { root, canvas, card, profile, settings: loadSettings(), revision: 0, hovered: null, selected: null };
    const listeners = new AbortController();
    const on = (target, type, react) => target.addEventListener(type, react, { signal: listeners.signal });
    const redraw = () => view.levels && drawAtlas(view);
    const redrawThumbnails = () => {
      view.thumbnails = null;
      hover(view, null);
      redraw();
    };
    const observer = new ResizeObserver(() => root.clientWidth !== view.width && redrawThumbnails());
    observer.observe(root);
    followControls(view, on, (what) => (what === "dimming" ? redraw() : redrawThumbnails()));
    followSwitch(view, on, redraw);
    followReader(view, on);
    on(window, "clsight:select", ({ detail }) => {
      if (!view.data || detail.picture !== view.data.picture) return;
      applySelection(view, detail);
      redraw();
    });
    const stopTheme = followTheme(root, redrawThumbnails);
    view.show = (shown) => receive(view, shown);
    view.stop = () => {
      clearTimeout(view.timer);
      observer.disconnect();
      listeners.abort();
      stopTheme();
    };
    return view;
  });
}

/** What the reader does on the canvas. */
function followReader(view, on) {
  const { canvas } = view;
  on(canvas, "pointermove", (event) => hover(view, cellUnderPointer(view, event)));
  on(canvas, "pointerleave", () => hover(view, null));
  on(canvas, "click", (event) => select(view, cellUnderPointer(view, event), 0));
  on(canvas, "keydown", (event) => onKeydown(view, event));
  on(window, "clsight:closed", () => {
    if (view.opened) canvas.focus({ preventScroll: true });
    view.opened = false;
  });
}

async function receive(view, { data, setStateValue }) {
  view.send = (value) => setStateValue("selected", value);
  if (data.levels !== view.data?.levels) {
    const levels = await decodeInt8(data.levels);
    if (view.last.data !== data) return;
    view.levels = levels;
    view.thumbnails = null;
  }
  view.data = data;
  view.hovered = null;
  view.card.hidden = true;
  applySelection(view, data.selected ?? window.clsightSelected?.get(data.picture));
  // A page without a server has nobody else who could say what is selected.
  if (!data.picture) view.selected ??= { row: 0, column: 0 };
  updateControls(view);
  updateHatch(view.root, data.impossible);
  if (view.levels) drawAtlas(view);
}

/** Takes over a selection, unless it was made before the latest one made here. */
function applySelection(view, selection) {
  if (!selection || ((selection.revision ?? 0) < view.revision && view.selected)) return;
  const { layers, heads } = view.data;
  view.selected = { row: selection.layer ?? layers, column: selection.head ?? heads };
  view.revision = selection.revision ?? 0;
  takeOff(view, selection);
}

function drawAtlas(view) {
  const { canvas, data, root } = view;
  view.width = root.clientWidth;
  if (!view.width) return;
  const colors = data.themes[root.dataset.theme];
  if (!view.thumbnails) {
    const groups = sortedGroups(view);
    view.layout = layOutThumbnails(view, groups);
    view.sorted = Boolean(groups);
    view.thumbnails = drawThumbnails(view, colors);
    describe(view);
  }
  const { layout } = view;
  canvas.width = layout.width;
  canvas.height = layout.height;
  canvas.style.width = `${layout.width / layout.pixelRatio}px`;
  canvas.style.height = `${layout.height / layout.pixelRatio}px`;
  const context = canvas.getContext("2d");
  context.drawImage(view.thumbnails, 0, 0);
  dimHeads(view, context, colors);
  strikeHeads(view, context, colors);
  (view.sorted ? drawHeadLabels : drawGridLabels)(view, context, colors);
  if (view.hovered) outlineCell(layout, context, view.hovered, colors.ink, 1);
  if (!view.selected) return;
  const isSelected = ({ row, column }) => row === view.selected.row && column === view.selected.column;
  const selected = layout.cells.find(isSelected);
  if (selected) outlineCell(layout, context, selected, colors.accent, 2);
  announce(view);
  updateProfile(view);
}

/** What stands around the picture as its thumbnails are drawn now. */
function describe(view) {
  const { canvas, data, layout, root } = view;
  const { pixelRatio } = layout;
  // A canvas has no elements to point at: this tells a script where its cells lie (CSS pixels).
  const positions = layout.cells.map(({ row, column, x, y }) => [row, column, x / pixelRatio, y / pixelRatio]);
  canvas.dataset.cells = JSON.stringify(positions);
  root.querySelector(".foot").style.maxWidth = `${(layout.width - layout.margin) / pixelRatio}px`;
  root.querySelector(".caption").textContent = captionOf(view);
  const hasOwnScale = scaleOf(view) === "own";
  const largest = hasOwnScale ? "own largest" : formatNumber(largestPeak(data), data.signed);
  const smallest = hasOwnScale ? "−" : `−${largest.slice(1)}`;
  root.querySelector(".smallest").textContent = data.signed ? smallest : "0";
  root.querySelector(".largest").textContent = data.signed && hasOwnScale ? "+ own largest" : largest;
  const ramp = root.querySelector(".ramp");
  for (const [theme, { ramp: colors }] of Object.entries(data.themes)) {
    ramp.style.setProperty(`--${theme}`, colors);
  }
}

/** Says which head is selected; texts that stay are not said again. */
function announce(view) {
  const { canvas, data, root, selected, toggles } = view;
  const write = (name, text) => {
    const element = root.querySelector(name);
    if (element.textContent !== text) element.textContent = text;
  };
  const off = isOff(view, selected);
  canvas.setAttribute("aria-label", toggles ? data.label.replace("opens it", "turns it off or on") : data.label);
  write(".chosen", `${headName(data, selected)}${off ? " · off" : ""}`);
  write(".pattern-name", headPattern(data, selected));
  write(".live", `${off ? "Off. " : ""}${describeHead(data, selected)}`);
}

function cellUnderPointer(view, event) {
  const { canvas, layout } = view;
  if (!layout) return null;
  const box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((length) => length * layout.pixelRatio);
  return cellAt(layout, x, y) ?? layerLabelAt(view, x, y);
}

function hover(view, cell) {
  if (cell === view.hovered) return;
  view.hovered = cell;
  view.canvas.style.cursor = cell ? "pointer" : "default";
  view.card.hidden = true;
  if (cell) showCard(view, cell, isOff(view, cell));
  if (view.thumbnails) drawAtlas(view);
}

function onKeydown(view, event) {
  if (event.key === "Escape") hover(view, null);
  if (!view.layout || hasModifier(event)) return;
  const current = view.selected ?? view.layout.cells[0];
  const enters = event.key === "Enter" || event.key === " ";
  const target = enters ? current : nextCell(view.layout, current, event.key, view.sorted);
  if (!target) return;
  event.preventDefault();
  hover(view, null);
  const selection = select(view, target, enters ? 0 : KEY_PAUSE);
  if (event.key !== "Enter" || view.toggles) return;
  view.opened = true;
  const { layer, head } = selection;
  window.dispatchEvent(new CustomEvent("clsight:open", { detail: { layer, head } }));
}

/** Outlines a cell at once and sends it after `pause`; each is a change, even to the same. */
function select(view, cell, pause) {
  if (!cell || !view.levels) return null;
  view.selected = cell;
  view.revision += 1;
  // A click, Enter or the space bar; arrow keys, which pause, only go to a head.
  const toggle = view.toggles && pause === 0;
  if (toggle) flipHeads(view, cell);
  drawAtlas(view);
  clearTimeout(view.timer);
  const { layers, heads } = view.data;
  const layer = cell.row < layers ? cell.row : null;
  const head = cell.column < heads ? cell.column : null;
  const selection = { layer, head, revision: view.revision, ...(toggle && { toggle }) };
  view.timer = setTimeout(() => view.send(selection), pause);
  return selection;
}
