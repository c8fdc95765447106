// The heat map: one map at full resolution; its exact values by pointer or arrow keys.

import { expandable } from "../shared/expand.js";
import { mount } from "../shared/mount.js";
import { number } from "../shared/numbers.js";
import { unpackFloats } from "../shared/packed.js";
import { followTheme } from "../shared/page_theme.js";
import { markCell, paintCells } from "./cells.js";
import { followPointer, listen, point } from "./explore.js";
import { EDGE, TITLE, cellSides, cornerOf, fitFrame, moveTo } from "./frame.js";
import { LABEL_SIZE, LABEL_STEP, fitLabels, writeAxis } from "./labels.js";

const KEY = "key: the token looked at";
const QUERY = "query: the token that looks";
/** One ideograph, kana, syllable or emoji: turned by a quarter it would be hard to read. */
const UPRIGHT = /^.[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{Extended_Pictographic}]\uFE0F?.$/u;

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(`.${name}`);
    const [stage, area, canvas, tip] = [find("stage"), find("area"), root.querySelector("canvas"), find("tip")];
    const view = { root, stage, area, canvas, tip, find, zoom: { by: 1, x: 0, y: 0 }, cell: null };
    view.describe = () => describe(view);
    view.redraw = () => view.values && draw(view);
    const repaint = () => {
      view.image = null;
      view.redraw();
    };
    const observer = new ResizeObserver(view.redraw);
    observer.observe(area);
    const life = new AbortController();
    listen(view, life.signal);
    followPointer(view, life.signal);
    document.fonts?.ready.then(() => {
      view.labels = null;
      view.redraw();
    });
    const stopTheme = followTheme(root, repaint);
    const stopScreen = expandable(view, "heatmap", canvas);
    view.show = ({ data }) => receive(view, data);
    view.stop = () => [() => observer.disconnect(), () => life.abort(), stopTheme, stopScreen].forEach((end) => end());
    return view;
  });
}

async function receive(view, data) {
  const start = performance.now();
  const [values, removed] = await Promise.all(
    [data.values, data.removed].map((text) => text && unpackFloats(text)),
  );
  if (view.last.data !== data) return;
  const axes = { queries: data.queries, keys: data.keys ?? data.queries };
  const sizes = (of) => of && [of.queries, of.keys].map(({ labels }) => labels.length).join();
  if (sizes(view.axes) !== sizes(axes)) {
    Object.assign(view, { zoom: { by: 1, x: 0, y: 0 }, cell: null });
    view.tip.hidden = true;
  }
  Object.assign(view, { data, axes, values, removed, labels: null, levels: null, image: null });
  describe(view);
  draw(view);
  if (view.cell) point(view, view.cell, view.byKey);
  performance.measure("clsight:heatmap", { start });
}

/** The text around the picture. */
function describe({ root, canvas, data, find, linear }) {
  canvas.setAttribute("aria-label", data.label);
  find("place").textContent = data.place;
  find("note").textContent = data.note;
  find("lowest").textContent = data.signed ? number(-data.largest, true) : "0";
  find("highest").textContent = number(data.largest, data.signed);
  find("root-scale").setAttribute("aria-pressed", !linear);
  find("linear-scale").setAttribute("aria-pressed", Boolean(linear));
  for (const [theme, { ramp }] of Object.entries(data.themes)) {
    root.querySelector(".ramp").style.setProperty(`--${theme}`, ramp);
  }
}

function draw(view) {
  const { area, canvas, axes, data, root } = view;
  if (!area.clientWidth) return;
  const pen = canvas.getContext("2d");
  const family = getComputedStyle(root).fontFamily;
  if (view.room !== area.clientWidth || !view.labels) {
    pen.font = `600 ${LABEL_SIZE}px ${family}`;
    view.labels = {
      queries: fitLabels(pen, axes.queries, Math.min(150, area.clientWidth * 0.25)),
      keys: fitLabels(pen, axes.keys, 120),
    };
    view.room = area.clientWidth;
  }
  const place = (view.place = fitFrame(view, view.labels));
  moveTo(view, Math.min(view.zoom.by, place.most), view.zoom.x, view.zoom.y);
  const font = (weight) => `${weight} ${place.px(LABEL_SIZE)}px ${family}`;
  pen.font = font(400);
  // A map of few tokens may be shorter than the names of its axes.
  const [across, down] = [KEY, QUERY].map((name) => Math.ceil(pen.measureText(name).width));
  const width = place.left + Math.max(place.width + place.px(EDGE), across);
  const height = place.top + Math.max(place.height + place.px(EDGE), down);
  Object.assign(canvas, { width, height });
  Object.assign(canvas.style, { width: `${width / place.ratio}px`, height: `${height / place.ratio}px` });
  canvas.style.touchAction = view.zoom.by > 1 ? "none" : "pan-x pan-y";
  const colors = data.themes[root.dataset.theme];
  paintCells(view, pen, colors);
  if (view.cell) markCell(view, pen, colors, view.cell);
  writeLabels(view, pen, colors, font);
  // A canvas has no elements to point at: this tells a script where its cells lie (CSS pixels).
  const [corner, sides] = [cornerOf(view, 0, 0), cellSides(view)];
  canvas.dataset.grid = [...corner, ...sides].map((length) => length / place.ratio).join(" ");
  for (const name of ["head", "foot"]) {
    view.find(name).style.maxWidth = view.expanded && name === "head" ? "" : `max(${width / place.ratio}px, 24rem)`;
  }
  view.find("out").disabled = view.find("whole").disabled = view.zoom.by === 1;
  view.find("in").disabled = view.zoom.by === place.most;
}

function writeLabels(view, pen, colors, font) {
  const { labels, cell, place } = view;
  const { left, top, width, height, px, level } = place;
  const [wide, high] = cellSides(view);
  const common = { colors, font, step: px(LABEL_STEP) };
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  const down = { ...common, at: (row) => cornerOf(view, row, 0)[1] + high / 2, from: top, to: top + height };
  writeAxis(pen, labels.queries, { ...down, active: cell?.[0] ?? null }, (text, y) => pen.fillText(text, left - px(6), y));
  const across = { ...common, at: (column) => cornerOf(view, 0, column)[0] + wide / 2, from: left, to: left + width };
  if (level) across.step = px(labels.keys.width + EDGE / 2);
  writeAxis(pen, labels.keys, { ...across, active: cell?.[1] ?? null }, (text, x) => {
    const upright = level || UPRIGHT.test(text);
    pen.textAlign = upright ? "center" : "left";
    turned(pen, text, x, top - px(upright ? 12 : 6), !upright);
  });
  pen.font = font(400);
  pen.fillStyle = colors.muted;
  pen.textAlign = "left";
  pen.fillText(KEY, left, px(TITLE / 2 - 1));
  turned(pen, QUERY, px(TITLE / 2 - 1), top + pen.measureText(QUERY).width, true);
}

function turned(pen, text, x, y, turn) {
  pen.save();
  pen.translate(x, y);
  if (turn) pen.rotate(-Math.PI / 2);
  pen.fillText(text, 0, 0);
  pen.restore();
}
