// The frames of a film one after the other: a slider, play and pause, and what a frame shows.

import drawAtlas from "../atlas/atlas.js";
import drawBars from "../bars/bars.js";
import drawText from "../colored_text/colored_text.js";
import { createElement } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";
import { createPart } from "../shared/part.js";
import { drawCurves, followCurves } from "./run_curves.js";
import { nearestFrame, nextFrame } from "./frames.js";

const PAUSE = 700; // milliseconds that a frame stands while the film is played
const REST = 400; // milliseconds of rest before the frame is sent to the server
const DRAW = { bars: drawBars, text: drawText, atlas: drawAtlas };
const ICONS = {
  play: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9-5.5z" /></svg>Play',
  pause: '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 3h3v10H4zM9 3h3v10H9z" /></svg>Pause',
};

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `film/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(name);
    const view = { root, slider: find(".slider"), button: find(".play"), index: null, parts: {}, cleanups: {} };
    const listeners = new AbortController();
    const on = (target, type, react) => target.addEventListener(type, react, { signal: listeners.signal });
    on(view.slider, "input", () => {
      pause(view);
      go(view, Number(view.slider.value));
    });
    on(view.slider, "keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      toggle(view);
    });
    on(view.button, "click", () => toggle(view));
    followCurves(root, on, (epoch) => {
      pause(view);
      go(view, nearestFrame(view.data.frames, epoch));
    });
    const redraw = () => view.data && drawCurves(view);
    const observer = new ResizeObserver(redraw);
    observer.observe(find(".curves"));
    const stopTheme = followTheme(root, redraw);
    view.show = ({ data, setStateValue }) => {
      view.send = (index) => setStateValue("frame", index);
      receive(view, data);
    };
    view.stop = () => {
      pause(view);
      clearTimeout(view.rest);
      observer.disconnect();
      listeners.abort();
      stopTheme();
      for (const end of Object.values(view.cleanups)) end();
    };
    return view;
  });
}

function receive(view, data) {
  view.data = data;
  view.index = Math.min(view.index ?? data.first, data.frames.length - 1);
  view.slider.max = data.frames.length - 1;
  drawOnsets(view);
  drawButton(view);
  draw(view);
}

/** Shows a frame, and sends its place once the reader rests there. */
function go(view, index) {
  view.index = index;
  draw(view);
  clearTimeout(view.rest);
  view.rest = setTimeout(() => !view.timer && view.send(view.index), REST);
}

function toggle(view) {
  if (view.timer) {
    pause(view);
    go(view, view.index);
    return;
  }
  const isAtEnd = view.index === view.data.frames.length - 1;
  if (isAtEnd) go(view, 0);
  view.timer = setTimeout(() => advance(view), PAUSE);
  drawButton(view);
}

function pause(view) {
  clearTimeout(view.timer);
  view.timer = null;
  drawButton(view);
}

/** Goes on to the next frame; waits where it has not been read yet, stops at the end. */
function advance(view) {
  const next = nextFrame(view.data.frames, view.index);
  if (next === null) {
    pause(view);
    go(view, view.index);
    return;
  }
  view.timer = setTimeout(() => advance(view), PAUSE);
  if (next !== view.index) go(view, next);
}

function drawButton({ button, timer }) {
  const icon = timer ? "pause" : "play";
  if (button.dataset.icon === icon) return;
  button.dataset.icon = icon;
  button.innerHTML = ICONS[icon]; // our own markup
}

function draw(view) {
  const { data, root, slider, index } = view;
  const frame = data.frames[index];
  const write = (name, text) => {
    root.querySelector(name).textContent = text;
  };
  slider.value = index;
  slider.style.setProperty("--share", `${(100 * index) / Math.max(1, data.frames.length - 1)}%`);
  slider.setAttribute("aria-valuetext", [frame.name, frame.bars?.name, frame.bars?.percent].filter(Boolean).join(", "));
  write(".name", frame.name);
  const status = frame.refused ?? (frame.pending ? "This frame is being read …" : frame.measures);
  write(".measures", status);
  root.querySelector(".measures").classList.toggle("refused", Boolean(frame.refused));
  root.querySelector(".stage").classList.toggle("stale", !frame.bars);
  if (frame.bars) {
    write(".changes", frame.changes);
    drawPart(view, "bars", frame.bars);
    drawPart(view, "text", { ...frame.text, ...data.text });
    if (frame.atlas) drawPart(view, "atlas", { ...data.atlas, ...frame.atlas, selected: frame.selected });
  }
  root.querySelector(".part.atlas").hidden = !data.atlas;
  for (const entry of root.querySelectorAll(".onset")) {
    entry.classList.toggle("later", Number(entry.dataset.frame) > index);
    entry.classList.toggle("now", Number(entry.dataset.frame) === index);
  }
  drawCurves(view);
}

/** Draws a part, unless it shows the same already. */
function drawPart(view, name, partData) {
  const content = JSON.stringify(partData);
  view.parts[name] ??= {
    show: createPart(view.root.querySelector(`.part.${name}`), { ...view.data.parts[name], draw: DRAW[name] }, () => {}),
  };
  if (view.parts[name].content === content) return;
  view.parts[name].content = content;
  view.cleanups[name] = view.parts[name].show(partData);
}

/** Which words matter from which frame on. */
function drawOnsets({ data, root }) {
  const entries = data.onsets.map(({ frame, words }) => {
    const entry = createElement("div", "onset");
    entry.dataset.frame = frame;
    const list = createElement("dd", "");
    list.dir = "auto";
    list.append(...words.map((word) => createElement("bdi", "", word)));
    entry.append(createElement("dt", "", data.frames[frame].name), list);
    return entry;
  });
  root.querySelector(".onsets").replaceChildren(...entries);
  root.querySelector(".hint").textContent = data.onset_hint;
}
