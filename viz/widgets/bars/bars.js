// The predicted class by name, then every class with its probability.

import { createElement } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `bars/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    return { show: ({ data }) => drawBars(root, data), stop: followTheme(root) };
  });
}

function drawBars(root, { name, percent, rows, n_visible: nVisible, row_height: rowHeight = 1 }) {
  root.querySelector(".name").textContent = name;
  root.querySelector(".percent").textContent = percent;
  const list = root.querySelector(".bars");
  const nHidden = rows.length - nVisible;
  list.replaceChildren(...rows.map(createBar));
  list.style.setProperty("--visible", nVisible * rowHeight);
  list.classList.toggle("long", nHidden > 0);
  // A list that scrolls is reached by the keyboard.
  list.tabIndex = nHidden > 0 ? 0 : -1;
  root.querySelector(".caption").textContent = nHidden > 0 ? `${nHidden} more below; scroll to see them` : "";
}

function createBar({ label, share, percent, predicted, then }) {
  const row = createElement("li", predicted || then?.predicted ? "bar predicted-class" : "bar");
  row.dataset.testid = "class-bar";
  const name = createElement("span", "label", label);
  name.title = label;
  name.dir = "auto";
  row.append(name, createTrack(share, predicted), createElement("span", "value", percent));
  if (then) {
    row.classList.add("paired");
    row.append(createTrack(then.share, then.predicted), createElement("span", "value", then.percent));
  }
  return row;
}

function createTrack(share, predicted) {
  const track = createElement("span", predicted ? "track predicted" : "track");
  const fill = createElement("span", "fill");
  fill.style.width = `${share * 100}%`;
  track.append(fill);
  return track;
}
