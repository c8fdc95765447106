// Names with bars around 0: to the right what speaks for something, to the left what speaks against.

import { createElement } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of
 *     `signed_bars/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    return { show: ({ data }) => drawBars(root, data), stop: followTheme(root) };
  });
}

function drawBars(root, { zero, colors, rows }) {
  for (const [theme, [negative, positive]] of Object.entries(colors)) {
    root.style.setProperty(`--negative-${theme}`, negative);
    root.style.setProperty(`--positive-${theme}`, positive);
  }
  root.querySelector(".bars").replaceChildren(...rows.map((row) => createBar(row, zero)));
}

function createBar({ name, place, text, note, interval, title }, zero) {
  const row = createElement("li", place < zero ? "bar negative" : "bar");
  row.dataset.testid = "signed-bar";
  row.title = title;
  const label = createElement("span", "name", name);
  label.dir = "auto";
  const track = createElement("span", "track");
  track.append(createSpan("fill", Math.min(zero, place), Math.abs(place - zero)));
  track.append(createSpan("zero", zero, 0));
  if (interval) track.append(createSpan("interval", interval[0], interval[1] - interval[0]));
  row.append(label, track, createElement("span", "value", text), createElement("span", "note", note));
  return row;
}

/** A part of the track, from a place on it and as wide as a share of it. */
function createSpan(className, start, width) {
  const element = createElement("span", className);
  element.style.left = `${100 * start}%`;
  element.style.width = `${100 * width}%`;
  return element;
}
