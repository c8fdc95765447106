// The confusion matrix: errors stand out by color, and a click or a key selects a cell.

import { createElement, focusedElement } from "../shared/elements.js";
import { hasModifier } from "../shared/keyboard.js";
import { mount } from "../shared/mount.js";
import { percent } from "../shared/numbers.js";
import { followTheme } from "../shared/page_theme.js";
import { showTooltip } from "../shared/tooltip.js";
import { describe, moveCell, summarize } from "./cells.js";

const MAX_SHARE = 45; // percent of the accent color, on which the color of text can be read

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of
 *     `confusion/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const view = {
      root,
      table: root.querySelector(".matrix"),
      tooltip: root.querySelector(".tip"),
      elements: new Map(),
    };
    const listeners = new AbortController();
    const on = (type, react) => view.table.addEventListener(type, react, { signal: listeners.signal });
    on("pointerover", (event) => showCount(view, event.target));
    on("pointerleave", () => showCount(view, null));
    on("focusin", (event) => showCount(view, event.target));
    on("focusout", () => showCount(view, null));
    on("click", (event) => select(view, cellOf(event.target)));
    on("keydown", (event) => onKeydown(view, event));
    root.querySelector(".scroll").addEventListener("scroll", () => showCount(view, null), {
      signal: listeners.signal,
    });
    const stopTheme = followTheme(root);
    view.show = ({ data, setStateValue }) => {
      view.send = (selected) => setStateValue("selected", selected);
      show(view, data);
    };
    view.stop = () => {
      listeners.abort();
      stopTheme();
    };
    return view;
  });
}

/** Draws the matrix where it is another one, and outlines what is selected. */
function show(view, data) {
  const content = JSON.stringify([data.labels, data.counts]);
  const isNew = view.content !== content;
  if (isNew) {
    Object.assign(view, { content, data, ...summarize(data.counts) });
    draw(view);
  }
  view.selected = { gold: data.gold, predicted: data.predicted };
  outline(view);
  if (isNew) scrollToSelected(view);
}

/** Brings what is selected to the middle of what is seen, without scrolling the page. */
function scrollToSelected({ root, elements, selected }) {
  const element = elements.get(`${selected.gold},${selected.predicted}`);
  const area = root.querySelector(".scroll");
  if (!element) return;
  area.scrollLeft = element.offsetLeft - area.clientWidth / 2;
  area.scrollTop = element.offsetTop - area.clientHeight / 2;
}

function draw(view) {
  const { root, table, data, most } = view;
  const { labels, counts } = data;
  // Cells are made again: whoever stood in one keeps the place.
  const focused = table.contains(focusedElement()) ? cellOf(focusedElement()) : null;
  view.elements.clear();
  table.classList.toggle("wide", data.wide);
  table.style.setProperty("--classes", labels.length);
  table.setAttribute("aria-label", "True classes by predicted ones. Arrow keys go from cell to cell.");
  const head = document.createElement("thead");
  const first = document.createElement("tr");
  const corner = createElement("td", "corner");
  corner.append(createElement("span", "", "true ↓"), createElement("span", "", "predicted →"));
  first.append(corner, ...labels.map((label, predicted) => createHead(view, label, null, predicted)));
  head.append(first);
  const body = document.createElement("tbody");
  body.append(
    ...labels.map((label, gold) => {
      const row = document.createElement("tr");
      const cells = counts[gold].map((count, predicted) => createCell(view, count, gold, predicted));
      row.append(createHead(view, label, gold, null), ...cells);
      return row;
    }),
  );
  table.replaceChildren(head, body);
  root.querySelector(".legend").hidden = !most;
  root.querySelector(".none").textContent = "errors: 0";
  root.querySelector(".most").textContent = most.toLocaleString("en-US");
  if (focused) focusCell(view, focused);
}

function createHead(view, label, gold, predicted) {
  const element = createElement("th", gold === null ? "column" : "row");
  element.scope = gold === null ? "col" : "row";
  const name = createElement("span", "name", label);
  name.dir = "auto";
  element.append(name);
  return enter(view, element, gold, predicted);
}

function createCell(view, count, gold, predicted) {
  const { data, totals, most } = view;
  const element = createElement("td", gold === predicted ? "cell right" : "cell");
  element.setAttribute("role", "gridcell");
  element.dataset.testid = "confusion-cell";
  if (count) {
    element.append(createElement("span", "count", count.toLocaleString("en-US")));
    if (data.wide) element.append(createElement("small", "share", percent(count, totals[gold])));
    if (gold !== predicted) {
      element.classList.add("error");
      element.style.setProperty("--share", `${Math.max(4, (MAX_SHARE * count) / most)}%`);
    }
  }
  return enter(view, element, gold, predicted);
}

/** Notes where an element stands; it takes the focus when it is moved to. */
function enter(view, element, gold, predicted) {
  Object.assign(element.dataset, { gold: gold ?? "", predicted: predicted ?? "" });
  element.tabIndex = -1;
  element.setAttribute("aria-label", describe({ gold, predicted }, view.data.labels, view.data.counts, view.totals));
  view.elements.set(`${gold},${predicted}`, element);
  return element;
}

function outline(view) {
  const { table, selected, elements, data } = view;
  for (const element of table.querySelectorAll("[aria-selected=true]")) {
    element.setAttribute("aria-selected", "false");
  }
  const { gold, predicted } = selected;
  const own = elements.get(`${gold},${predicted}`);
  own?.setAttribute("aria-selected", "true");
  const index = (place) => (place === "" ? null : Number(place));
  for (const element of elements.values()) {
    const inRow = predicted === null && gold !== null && index(element.dataset.gold) === gold;
    const inColumn = gold === null && predicted !== null && index(element.dataset.predicted) === predicted;
    element.classList.toggle("among", inRow || inColumn);
  }
  table.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
  const entrance = own ?? elements.get("0,0");
  if (entrance && data.labels.length) entrance.tabIndex = 0;
}

/** The cell of an element, or of what stands in it. */
function cellOf(element) {
  const cell = element?.closest?.("[data-gold]");
  if (!cell) return null;
  const place = (text) => (text === "" ? null : Number(text));
  return { gold: place(cell.dataset.gold), predicted: place(cell.dataset.predicted) };
}

/** Selects a cell; the page may have outlined it before anybody selected it. */
function select(view, cell) {
  if (!cell) return;
  view.selected = cell;
  outline(view);
  view.send(cell);
}

function focusCell(view, { gold, predicted }) {
  view.elements.get(`${gold},${predicted}`)?.focus();
}

function onKeydown(view, event) {
  const cell = cellOf(event.target);
  if (!cell || hasModifier(event)) return;
  if (event.key === "Escape") showCount(view, null);
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    select(view, cell);
    return;
  }
  const next = moveCell(event.key, cell, view.data.labels.length);
  if (!next) return;
  event.preventDefault();
  focusCell(view, next);
}

/** Says what stands under the pointer or the focus; anything else hides it. */
function showCount({ tooltip, data, totals }, target) {
  const cell = cellOf(target);
  tooltip.hidden = true;
  if (!cell) return;
  const box = target.closest("[data-gold]").getBoundingClientRect();
  showTooltip(tooltip, describe(cell, data.labels, data.counts, totals), box);
}
