// Who looks at whom; a token under the pointer shows its own arcs, a click pins it.

import { decodeBits, decodeFloat32, decodeUint16 } from "../shared/array_codec.js";
import { createElement, focusedElement } from "../shared/elements.js";
import { makeExpandable } from "../shared/expand.js";
import { REASON, updateHatch } from "../shared/impossible.js";
import { hasModifier, moveInList } from "../shared/keyboard.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";
import { ROW_HEIGHT, drawArcs } from "./arc_paths.js";
import { largestSize, selectArcs } from "./selection.js";
import { describeShare, fillColumns, markTokens, tokenAt } from "./token_columns.js";

const KEYS = { previous: ["ArrowUp"], next: ["ArrowDown"], first: "Home", last: "End" };

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `arcs/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(`.${name}`);
    const columns = { query: find("queries"), key: find("keys") };
    const [stage, area, canvas] = [find("stage"), find("area"), root.querySelector("canvas")];
    const view = { root, find, columns, stage, area, canvas };
    Object.assign(view, { pinned: null, hovered: null, focused: null, heads: new Set() });
    view.redraw = () => view.arcs && drawArcs(view);
    const observer = new ResizeObserver(view.redraw);
    observer.observe(area);
    const listeners = new AbortController();
    listen(view, listeners.signal);
    const stopTheme = followTheme(root, () => {
      if (!view.data) return;
      drawChips(view);
      update(view);
    });
    const stopExpanding = makeExpandable(view, "arcs", area);
    view.show = ({ data }) => receive(view, data);
    view.stop = () => {
      observer.disconnect();
      listeners.abort();
      stopTheme();
      stopExpanding();
    };
    return view;
  });
}

async function receive(view, data) {
  const start = performance.now();
  const [topKeys, values, queryTotals, keyTotals] = await Promise.all([
    decodeUint16(data.top_keys),
    ...[data.values, data.query_totals, data.key_totals].map(decodeFloat32),
  ]);
  const axes = { query: data.queries, key: data.keys ?? data.queries };
  const shape = { rows: axes.query.labels.length, columns: axes.key.labels.length };
  const impossible = data.impossible ? await decodeBits(data.impossible.bits, shape.rows * shape.columns) : null;
  if (view.last.data !== data) return;
  const hasOtherTokens = JSON.stringify(view.axes) !== JSON.stringify(axes);
  // What the reader chose stays until other heads or other tokens come.
  const before = view.data;
  if (String(data.selected) !== String(before?.selected) || data.names.length !== before.names.length) {
    view.heads = new Set(data.selected);
    view.latestHead = data.selected[0];
  }
  Object.assign(view, { data: { ...data, ...shape }, axes, topKeys, values, queryTotals, keyTotals, impossible });
  updateHatch(view.root, data.impossible);
  if (hasOtherTokens) {
    Object.assign(view, { pinned: null, hovered: null, focused: null });
    fillColumns(view);
    view.area.scrollTop = 0;
  }
  view.find("place").textContent = data.title;
  view.find("note").textContent = data.note;
  drawChips(view);
  update(view);
  performance.measure("clsight:arcs", { start });
}

/** One chip a head, and two that select all or one. */
function drawChips(view) {
  const { data, heads, root } = view;
  const chips = data.names.map((name, head) => {
    const chip = createButton(name, heads.has(head), () => toggleHead(view, head));
    chip.style.setProperty("--head-color", data.head_colors[root.dataset.theme][head]);
    chip.classList.add("chip");
    return chip;
  });
  if (chips.length > 1) {
    const all = data.names.flatMap((name, head) => (name === "mean" ? [] : [head]));
    chips.push(createButton("all", null, () => selectHeads(view, all)));
    chips.push(createButton("one", null, () => selectHeads(view, [view.latestHead])));
  }
  const focusedIndex = [...view.find("chips").children].indexOf(focusedElement());
  view.find("chips").replaceChildren(...chips);
  if (focusedIndex >= 0) chips[focusedIndex]?.focus();
}

function createButton(name, pressed, onClick) {
  const button = createElement("button", "tool", name);
  button.type = "button";
  if (pressed !== null) button.setAttribute("aria-pressed", pressed);
  button.addEventListener("click", onClick);
  return button;
}

/** Adds a head or takes it away; the last one stays. */
function toggleHead(view, head) {
  const { heads } = view;
  const next = heads.has(head) ? [...heads].filter((other) => other !== head) : [...heads, head];
  if (!next.length) return;
  view.latestHead = next.at(-1);
  selectHeads(view, next);
}

function selectHeads(view, heads) {
  view.heads = new Set(heads);
  drawChips(view);
  update(view);
}

/** Draws again what depends on the heads and the token that are selected. */
function update(view) {
  view.active = view.pinned ?? view.hovered ?? view.focused;
  view.arcs = selectArcs(view, view.active);
  view.largest = largestSize(view);
  markTokens(view);
  drawArcs(view);
  view.find("share").replaceChildren(...describeShare(view));
  view.find("caption").textContent = captionOf(view);
}

/**
 * The sentences under the picture: what colors, dashes, widths and hatches are.
 * @param {object} view - The arcs.
 * @returns {string} The caption.
 */
export function captionOf({ data, heads }) {
  const several = heads.size > 1;
  const color = several ? "Color: head." : "";
  const sign = several
    ? "Dashed: against the class, or lowers the score."
    : "Orange: against the class, or lowers the score. Blue: for it, or raises it.";
  const width = `Width: ${data.signed ? "size" : "weight"}. Click a token to pin it.`;
  const hatch = data.impossible ? `Hatched beside a chosen token: ${REASON}.` : "";
  return [color, data.signed ? sign : "", width, hatch].filter(Boolean).join(" ");
}

function listen(view, signal) {
  const { area } = view;
  const on = (type, react, options) => area.addEventListener(type, react, { signal, ...options });
  const setToken = (kind, token) => {
    if (isSame(token, view[kind])) return;
    view[kind] = token;
    if (view.arcs && !view.pinned) update(view);
  };
  on("pointerover", (event) => setToken("hovered", tokenAt(event)));
  on("pointerleave", () => setToken("hovered", null));
  on("focusin", (event) => {
    setToken("focused", event.target.matches(":focus-visible") ? tokenAt(event) : null);
  });
  on("focusout", () => setToken("focused", null));
  on("click", (event) => pin(view, tokenAt(event)));
  on("keydown", (event) => onKeydown(view, event));
  on("scroll", () => requestAnimationFrame(view.redraw), { passive: true });
}

function isSame(token, other) {
  return token?.side === other?.side && token?.index === other?.index;
}

/** Pins a token, or unpins the one that is pinned. */
function pin(view, token) {
  if (!view.arcs || (!token && !view.pinned)) return;
  view.pinned = isSame(token, view.pinned) ? null : token;
  update(view);
}

function onKeydown(view, event) {
  if (hasModifier(event)) return;
  if (event.key === "Escape" && view.pinned) {
    event.preventDefault(); // the first Escape unpins; the next one closes the screen
    pin(view, null);
    return;
  }
  const token = tokenAt(event) ?? { side: "query", index: 0 };
  const { side, index } = token;
  const next = moveInList(event.key, index, view.columns[side].children.length, KEYS);
  const other = { ArrowLeft: "query", ArrowRight: "key" }[event.key];
  if (event.key === "Enter" || event.key === " ") pin(view, token);
  else if (next !== null) focusToken(view, side, next);
  else if (other) focusToken(view, other, index);
  else return;
  event.preventDefault();
}

function focusToken({ columns, area }, side, index) {
  const rows = columns[side].children;
  const row = rows[Math.min(index, rows.length - 1)];
  for (const reachable of columns[side].querySelectorAll('[tabindex="0"]')) reachable.tabIndex = -1;
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  const [top, room] = [row.offsetTop, area.clientHeight - ROW_HEIGHT];
  area.scrollTop = Math.max(Math.min(area.scrollTop, top), top - room);
}
