// The arcs: who looks at whom; a token under the pointer shows its own, a click pins it.

import { make } from "../shared/elements.js";
import { expandable, focused } from "../shared/expand.js";
import { mount } from "../shared/mount.js";
import { unpackFloats, unpackIndices } from "../shared/packed.js";
import { followTheme } from "../shared/page_theme.js";
import { ROW, drawBows } from "./arc_paths.js";
import { arcsOf, largestOf } from "./selection.js";
import { describeShare, fillColumns, markTokens, tokenAt } from "./token_columns.js";

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(`.${name}`);
    const columns = { query: find("queries"), key: find("keys") };
    const view = { root, find, columns, stage: find("stage"), area: find("area"), canvas: root.querySelector("canvas") };
    Object.assign(view, { pinned: null, hovered: null, focused: null, chosen: new Set() });
    view.redraw = () => view.arcs && drawBows(view);
    const observer = new ResizeObserver(view.redraw);
    observer.observe(view.area);
    const life = new AbortController();
    listen(view, life.signal);
    const stopTheme = followTheme(root, () => view.data && (drawChips(view), refresh(view)));
    const stopScreen = expandable(view, "arcs", view.area);
    view.show = ({ data }) => receive(view, data);
    view.stop = () => [() => observer.disconnect(), () => life.abort(), stopTheme, stopScreen].forEach((end) => end());
    return view;
  });
}

async function receive(view, data) {
  const start = performance.now();
  const unpacked = await Promise.all([
    unpackIndices(data.targets),
    ...[data.values, data.sent, data.received].map(unpackFloats),
  ]);
  if (view.last.data !== data) return;
  const axes = { query: data.queries, key: data.keys ?? data.queries };
  const [targets, values, sent, received] = unpacked;
  const sizes = { rows: axes.query.labels.length, columns: axes.key.labels.length };
  const [before, now] = [view.axes, axes].map((of) => JSON.stringify(of));
  // What the reader chose stays until other heads or other tokens come.
  if (String(data.chosen) !== String(view.data?.chosen) || data.names.length !== view.data.names.length) {
    view.chosen = new Set(data.chosen);
    view.latest = data.chosen[0];
  }
  Object.assign(view, { data: { ...data, ...sizes }, axes, targets, values, sent, received });
  if (before !== now) {
    Object.assign(view, { pinned: null, hovered: null, focused: null });
    fillColumns(view);
    view.area.scrollTop = 0;
  }
  view.find("place").textContent = data.place;
  view.find("note").textContent = data.note;
  drawChips(view);
  refresh(view);
  performance.measure("clsight:arcs", { start });
}

/** One chip a head, and two that choose all or one. */
function drawChips(view) {
  const { data, chosen, root } = view;
  const chips = data.names.map((name, head) => {
    const chip = button(name, chosen.has(head), () => toggle(view, head));
    chip.style.setProperty("--hue", data.hues[root.dataset.theme][head]);
    chip.classList.add("chip");
    return chip;
  });
  if (chips.length > 1) {
    const every = data.names.flatMap((name, head) => (name === "mean" ? [] : [head]));
    chips.push(button("all", null, () => choose(view, every)), button("one", null, () => choose(view, [view.latest])));
  }
  const held = [...view.find("chips").children].indexOf(focused());
  view.find("chips").replaceChildren(...chips);
  if (held >= 0) chips[held]?.focus();
}

function button(name, pressed, react) {
  const element = make("button", "tool", name);
  element.type = "button";
  if (pressed !== null) element.setAttribute("aria-pressed", pressed);
  element.addEventListener("click", react);
  return element;
}

/** Adds a head or takes it away; the last one stays. */
function toggle(view, head) {
  const { chosen } = view;
  const next = chosen.has(head) ? [...chosen].filter((other) => other !== head) : [...chosen, head];
  if (!next.length) return;
  view.latest = next.at(-1);
  choose(view, next);
}

function choose(view, heads) {
  view.chosen = new Set(heads);
  drawChips(view);
  refresh(view);
}

/** Draws anew what depends on the heads and the token that are chosen. */
function refresh(view) {
  view.active = view.pinned ?? view.hovered ?? view.focused;
  view.arcs = arcsOf(view, view.active);
  view.largest = largestOf(view);
  markTokens(view);
  drawBows(view);
  view.find("share").replaceChildren(...describeShare(view));
  view.find("caption").textContent = captionOf(view);
}

function captionOf({ data, chosen }) {
  const several = chosen.size > 1;
  const hue = several ? "Colour: head." : "";
  const sign = several ? "Dashed: against the class." : "Orange: against the class. Blue: for it.";
  return [hue, data.signed ? sign : "", `Width: ${data.signed ? "size" : "weight"}. Click a token to pin it.`].filter(Boolean).join(" ");
}

function listen(view, signal) {
  const { area } = view;
  const on = (type, react, options) => area.addEventListener(type, react, { signal, ...options });
  const point = (kind, token) => {
    if (JSON.stringify(token) === JSON.stringify(view[kind])) return;
    view[kind] = token;
    if (view.arcs && !view.pinned) refresh(view);
  };
  on("pointerover", (event) => point("hovered", tokenAt(event)));
  on("pointerleave", () => point("hovered", null));
  on("focusin", (event) => point("focused", event.target.matches(":focus-visible") ? tokenAt(event) : null));
  on("focusout", () => point("focused", null));
  on("click", (event) => pin(view, tokenAt(event)));
  on("keydown", (event) => press(view, event));
  on("scroll", () => requestAnimationFrame(view.redraw), { passive: true });
}

/** Holds a token, or lets go of it where it was held. */
function pin(view, token) {
  if (!view.arcs || (!token && !view.pinned)) return;
  view.pinned = JSON.stringify(token) === JSON.stringify(view.pinned) ? null : token;
  refresh(view);
}

function press(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && view.pinned) {
    event.preventDefault(); // the first Escape lets go; the next one closes the screen
    return pin(view, null);
  }
  const token = tokenAt(event) ?? { side: "query", index: 0 };
  const { side, index } = token;
  const last = view.columns[side].children.length - 1;
  const targets = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: last };
  const other = { ArrowLeft: "query", ArrowRight: "key" }[event.key];
  if (event.key === "Enter" || event.key === " ") pin(view, token);
  else if (event.key in targets) focusToken(view, side, targets[event.key]);
  else if (other) focusToken(view, other, index);
  else return;
  event.preventDefault();
}

function focusToken({ columns, area }, side, index) {
  const rows = columns[side].children;
  const row = rows[Math.min(Math.max(index, 0), rows.length - 1)];
  for (const held of columns[side].querySelectorAll('[tabindex="0"]')) held.tabIndex = -1;
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  const [top, room] = [row.offsetTop, area.clientHeight - ROW];
  area.scrollTop = Math.max(Math.min(area.scrollTop, top), top - room);
}
