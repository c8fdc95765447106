// A whole long text as one slim picture; a click or a key chooses a passage, or opens a window.

import { createElement } from "../shared/elements.js";
import { createHatch } from "../shared/impossible.js";
import { hasModifier, moveInList } from "../shared/keyboard.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";
import { showTooltip } from "../shared/tooltip.js";
import { colorIndex, indexAt, paintOrder, pixelsOf } from "./stretches.js";

const KEYS = {
  previous: ["ArrowLeft", "ArrowUp"],
  next: ["ArrowRight", "ArrowDown"],
  first: "Home",
  last: "End",
};
const LANE = 26; // CSS pixels of the sentences
const TICK = 4; // of the mark where a paragraph begins

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `strip/payload.py`,
 *     with `name`, `note`, `low`, `high`, `unseen_label` and `caption`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(name);
    const view = { root, find, canvas: find("canvas"), windows: find(".windows"), tooltip: find(".tip"), cursor: null };
    const listeners = new AbortController();
    const on = (target, type, react) => target.addEventListener(type, react, { signal: listeners.signal });
    listenToSentences(view, on);
    listenToWindows(view, on);
    on(find(".previous"), "click", () => choosePassage(view, view.data.passage - 1));
    on(find(".next"), "click", () => choosePassage(view, view.data.passage + 1));
    const redraw = () => view.data && drawSentences(view);
    const observer = new ResizeObserver(redraw);
    observer.observe(find(".area"));
    const stopTheme = followTheme(root, redraw);
    view.show = ({ data, setStateValue }) => {
      view.send = (kind, index) => setStateValue("chosen", { kind, index, count: (view.count = (view.count ?? 0) + 1) });
      receive(view, data);
    };
    view.stop = () => {
      observer.disconnect();
      listeners.abort();
      stopTheme();
    };
    return view;
  });
}

function receive(view, data) {
  const start = performance.now();
  if (view.data?.sentences.length !== data.sentences.length) view.cursor = null;
  view.data = data;
  view.order = paintOrder(data.shares);
  hide(view);
  drawTexts(view);
  drawWindows(view);
  drawSentences(view);
  performance.measure("clsight:strip", { start });
}

/** What is written around the picture. */
function drawTexts({ data, find, root, canvas }) {
  for (const name of ["name", "note", "low", "lowest", "highest", "high", "caption"]) {
    find(`.${name}`).textContent = data[name] ?? "";
  }
  find(".unseen").textContent = data.unseen_label ?? "";
  for (const [theme, ramp] of Object.entries(data.ramp)) {
    find(".ramp").style.setProperty(`--${theme}`, ramp);
    root.style.setProperty(`--hatch-${theme}`, data.hatch[theme][1]);
  }
  const { passage, passages } = data;
  find(".legend").hidden = !data.sentences.length && !data.unseen_label;
  find(".tools").hidden = passages.length < 2 || passage === null;
  find(".passage-name").textContent = `passage ${(passage ?? 0) + 1} of ${passages.length}`;
  find(".previous").disabled = !passage;
  find(".next").disabled = passage === null || passage >= passages.length - 1;
  canvas.setAttribute(
    "aria-label",
    "The whole text. Arrow keys go from sentence to sentence, Enter shows the passage of one.",
  );
  canvas.setAttribute("aria-valuemax", data.sentences.length);
}

function drawSentences(view) {
  const { canvas, data, find, root } = view;
  const width = find(".lane").clientWidth;
  if (!width) return;
  const ratio = window.devicePixelRatio || 1;
  const px = (length) => Math.round(length * ratio);
  Object.assign(canvas, { width: px(width), height: px(LANE + TICK) });
  const context = canvas.getContext("2d");
  const { theme } = root.dataset;
  const colors = data.colors[theme] ?? data.colors.light;
  const [ink, line] = data.lines[theme] ?? data.lines.light;
  const at = (place, gap) => pixelsOf(place, data.length, canvas.width, gap);
  for (const place of data.unseen) {
    const [ground, hatch] = data.hatch[theme] ?? data.hatch.light;
    const [left, size] = at(place);
    for (const style of [ground, createHatch(context, hatch, px)]) {
      context.fillStyle = style;
      context.fillRect(left, 0, size, px(LANE));
    }
  }
  for (const index of view.order) {
    const [left, size] = at(data.sentences[index], px(1));
    context.fillStyle = colors[colorIndex(data.shares[index], data.signed, colors.length)];
    context.fillRect(left, 0, size, px(LANE));
  }
  context.fillStyle = line;
  context.fillRect(0, px(LANE), canvas.width, Math.max(1, px(1)));
  context.fillStyle = ink;
  for (const start of data.paragraphs) context.fillRect(at([start, start])[0], px(LANE), Math.max(1, px(1)), px(TICK));
  // A canvas has no elements to point at: this tells a script how many sentences it shows.
  canvas.dataset.sentences = data.sentences.length;
  outline(find(".passage"), data, data.passage === null ? null : data.passages[data.passage]);
  if (view.cursor !== null) outline(find(".cursor"), data, data.sentences[view.cursor]);
}

/** Puts a frame around a stretch of the text; null takes it away. */
function outline(element, data, place) {
  element.hidden = !place;
  if (!place) return;
  element.style.left = `${(100 * place[0]) / data.length}%`;
  element.style.width = `${(100 * (place[1] - place[0])) / data.length}%`;
}

function drawWindows(view) {
  const { data, windows } = view;
  const focused = windows.querySelector(":focus")?.dataset.index;
  const n = data.windows.length;
  windows.hidden = !n;
  windows.style.setProperty("--lanes", Math.max(1, ...data.windows.map(({ lane }) => lane + 1)));
  windows.setAttribute("aria-label", `${n} windows. Arrow keys go from window to window, Enter opens one.`);
  windows.replaceChildren(...data.windows.map((bar, index) => createWindow(data, bar, index)));
  if (focused !== undefined) windows.children[focused]?.focus();
}

function createWindow(data, { place, lane, name, title, light, dark }, index) {
  const element = createElement("button", "window");
  element.append(createElement("span", "", name));
  element.dataset.testid = "strip-window";
  element.dataset.index = index;
  element.dir = "auto";
  element.style.left = `${(100 * place[0]) / data.length}%`;
  element.style.width = `${(100 * (place[1] - place[0])) / data.length}%`;
  element.style.setProperty("--lane", lane);
  const names = ["--light", "--light-ink", "--dark", "--dark-ink"];
  [...light, ...dark].forEach((color, i) => element.style.setProperty(names[i], color));
  element.setAttribute("aria-label", title);
  element.setAttribute("aria-pressed", data.window === index);
  element.tabIndex = index === (data.window ?? 0) ? 0 : -1;
  return element;
}

function listenToWindows(view, on) {
  const { windows } = view;
  const windowOf = (event) => event.target.closest?.(".window");
  on(windows, "click", (event) => {
    const element = windowOf(event);
    if (!element) return;
    const index = Number(element.dataset.index);
    view.send("window", index === view.data.window ? null : index);
  });
  on(windows, "pointerover", (event) => describeWindow(view, windowOf(event)));
  on(windows, "pointerleave", () => hide(view));
  on(windows, "focusin", (event) => describeWindow(view, windowOf(event)));
  on(windows, "focusout", () => hide(view));
  on(windows, "keydown", (event) => {
    const element = windowOf(event);
    if (event.key === "Escape") hide(view);
    if (!element || hasModifier(event)) return;
    const index = moveInList(event.key, Number(element.dataset.index), windows.children.length, KEYS);
    if (index === null) return;
    event.preventDefault();
    element.tabIndex = -1;
    windows.children[index].tabIndex = 0;
    windows.children[index].focus();
  });
}

function describeWindow(view, element) {
  if (!element) return hide(view);
  showTooltip(view.tooltip, view.data.windows[element.dataset.index].title, element.getBoundingClientRect());
}

function listenToSentences(view, on) {
  const { canvas } = view;
  const sentenceAt = (event) => {
    const box = canvas.getBoundingClientRect();
    return indexAt(view.data.sentences, ((event.clientX - box.left) / box.width) * view.data.length);
  };
  on(canvas, "pointermove", (event) => readSentence(view, sentenceAt(event)));
  on(canvas, "pointerleave", () => hide(view));
  on(canvas, "blur", () => hide(view));
  on(canvas, "focus", () => canvas.matches(":focus-visible") && readSentence(view, view.cursor ?? firstOfPassage(view)));
  on(canvas, "click", (event) => {
    readSentence(view, sentenceAt(event));
    openPassage(view);
  });
  on(canvas, "keydown", (event) => {
    if (event.key === "Escape") hide(view);
    if (hasModifier(event) || !view.data.sentences.length) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      openPassage(view);
      return;
    }
    const index = moveByKey(view, event.key);
    if (index === null) return;
    event.preventDefault();
    readSentence(view, index);
  });
}

/** Where a key leads from the sentence that is read; page keys go by passages. */
function moveByKey({ cursor, data }, key) {
  const { passages, sentences } = data;
  const step = { PageUp: -1, PageDown: 1 }[key];
  if (!step) return moveInList(key, cursor ?? 0, sentences.length, KEYS);
  const passage = indexAt(passages, sentences[cursor ?? 0][0]) + step;
  return passages[passage] ? indexAt(sentences, passages[passage][0]) : null;
}

function firstOfPassage({ data }) {
  return data.passage === null ? 0 : indexAt(data.sentences, data.passages[data.passage][0]);
}

/** Says what a sentence is and how it scores, above its place in the picture. */
function readSentence(view, index) {
  const { canvas, data, find, tooltip } = view;
  const place = data.sentences[index];
  if (!place) return;
  view.cursor = index;
  outline(find(".cursor"), data, place);
  showTooltip(tooltip, data.titles[index], find(".cursor").getBoundingClientRect());
  canvas.setAttribute("aria-valuenow", index + 1);
  canvas.setAttribute("aria-valuetext", `Sentence ${index + 1} of ${data.sentences.length}: ${data.titles[index]}`);
}

function hide({ find, tooltip }) {
  tooltip.hidden = true;
  find(".cursor").hidden = true;
}

function openPassage(view) {
  const { cursor, data } = view;
  if (cursor !== null && data.passages.length) choosePassage(view, indexAt(data.passages, data.sentences[cursor][0]));
}

function choosePassage(view, index) {
  if (index >= 0 && index < view.data.passages.length) view.send("passage", index);
}
