// Equations of a pass under their headings, and the term that is followed.

import { decodeFloat32 } from "../shared/array_codec.js";
import { createElement, focusedElement } from "../shared/elements.js";
import { hasModifier, moveInList } from "../shared/keyboard.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";
import { createCard, createFocused, createFormula } from "./card.js";
import { setFormulas } from "./formulas.js";

const HEADING_KEYS = { previous: ["ArrowUp"], next: ["ArrowDown"], first: "Home", last: "End" };

/** What the reader asked for last; the picture that shows it takes the focus. */
const request = { isOpen: false, origin: null };

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of
 *     `equations/payload.py`, and `formulas`, the key of the place where they are set.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(`.${name}`);
    const view = { root, tooltip: find("tip"), live: find("live"), redraws: new Set(), stopFormulas: () => {} };
    view.valuesOf = ({ offset, drawn }) => view.values.subarray(offset, offset + drawn[0] * drawn[1]);
    view.send = (event) => {
      Object.assign(request, { isOpen: event.kind !== "section", origin: originOf(view) });
      view.trigger("event", event);
    };
    const listeners = new AbortController();
    root.addEventListener("keydown", (event) => onKeydown(view, event), { signal: listeners.signal });
    const stopTheme = followTheme(root, () => view.redraws.forEach((redraw) => redraw()));
    view.show = ({ data, setTriggerValue }) => {
      view.trigger = setTriggerValue;
      receive(view, data);
    };
    view.stop = () => {
      listeners.abort();
      stopTheme();
      view.stopFormulas();
    };
    return view;
  });
}

/** Where the reader was in the story, to return there from the term that is followed. */
function originOf(view) {
  return view.data.walk ? request.origin : focusedElement();
}

/** Escape leads from the term that is followed back to the story, arrows from heading to heading. */
function onKeydown({ root, data, tooltip }, event) {
  if (event.key === "Escape" && data?.walk && tooltip.hidden) request.origin?.focus?.();
  if (!event.target.dataset.section || hasModifier(event)) return;
  const headings = [...root.querySelectorAll("[data-section]")];
  const next = moveInList(event.key, headings.indexOf(event.target), headings.length, HEADING_KEYS);
  if (next === null) return;
  event.preventDefault();
  headings[next].focus();
}

async function receive(view, data) {
  const start = performance.now();
  // Streamlit hands over the same data again wherever the page runs.
  const content = JSON.stringify(data);
  if (view.content === content) {
    takeFocus(view);
    return;
  }
  const values = await decodeFloat32(data.values);
  if (view.last.data !== data) return;
  Object.assign(view, { content, data, values });
  view.redraws.clear();
  view.tooltip.hidden = true;
  const focused = focusPath(view);
  view.root.querySelector(".sections").replaceChildren(...data.sections.map((section) => createSection(view, section)));
  drawWalk(view);
  view.stopFormulas();
  view.stopFormulas = setFormulas(view.root, data.formulas);
  restoreFocus(view, focused);
  takeFocus(view);
  performance.measure("clsight:equations", { start });
}

/** The heading or the term that has the focus, which is drawn again. */
function focusPath({ root }) {
  const element = focusedElement();
  if (!element || !root.contains(element)) return null;
  const { section, term } = element.dataset;
  return section ? `[data-section="${CSS.escape(section)}"]` : term ? `[data-term="${CSS.escape(term)}"]` : null;
}

function restoreFocus({ root }, selector) {
  if (selector) root.querySelector(selector)?.focus({ preventScroll: true });
}

/** The term that is followed takes the focus if the reader asked for it. */
function takeFocus(view) {
  if (!view.data.walk || !request.isOpen) return;
  request.isOpen = false;
  const target = view.root.querySelector(".focused");
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: "nearest" });
}

function createSection(view, section) {
  const element = createElement("section", "section");
  const isStory = !view.data.walk;
  const title = createElement(isStory ? "button" : "h4", "section-title");
  title.append(createElement("span", "", section.title), createElement("span", "note", section.note));
  if (isStory) {
    title.dataset.section = section.id;
    title.dataset.testid = "section";
    title.setAttribute("aria-expanded", section.open);
    title.addEventListener("click", () => view.send({ kind: "section", id: section.id }));
  }
  element.append(title);
  const create = (card) => (card.short ? createUse(view, card) : createCard(view, card));
  element.append(...section.steps.map(create));
  if (section.more) element.append(createElement("p", "note", `and ${section.more} more`));
  return element;
}

/** An equation in which the followed term is used: a way down. */
function createUse(view, card) {
  const button = createElement("button", "use");
  button.dataset.testid = "use";
  button.dataset.term = card.result;
  button.setAttribute("aria-label", `${card.name} ${card.place}, which uses it. Enter follows it.`);
  const head = createElement("span", "use-head");
  const place = createElement("bdi", "place", card.place);
  head.append(createElement("strong", "", card.name), place);
  button.append(head, createFormula(card.formula));
  button.addEventListener("click", () => view.send({ kind: "follow", id: card.result }));
  return button;
}

/** The term that is followed: the way that led to it, and its numbers. */
function drawWalk(view) {
  const element = view.root.querySelector(".walk");
  const { walk, terms } = view.data;
  element.hidden = !walk;
  view.root.classList.toggle("following", Boolean(walk));
  if (!walk) return;
  const term = terms[walk.term];
  const trail = createElement("nav", "trail");
  trail.setAttribute("aria-label", "The way here");
  trail.hidden = walk.trail.length < 2;
  trail.append(...walk.trail.flatMap((place, index) => createTrailPlace(view, place, index)));
  const title = createElement("h3", "walk-title");
  const symbol = createElement("span", "symbol", term.symbol);
  symbol.dataset.tex = term.symbol;
  const name = createElement("span", "walk-name", term.name);
  const place = createElement("bdi", "place", term.place);
  title.append(symbol, name, place);
  element.replaceChildren(trail, title, createFocused(view, walk.term));
  if (walk.end) element.append(createElement("p", "end", `Here the way up ends: ${walk.end}.`));
}

function createTrailPlace(view, { symbol, name }, index) {
  const isLast = index === view.data.walk.trail.length - 1;
  const button = createElement("button", "trail-place", symbol);
  button.dataset.tex = symbol;
  button.title = name;
  button.setAttribute("aria-label", isLast ? `${name}, shown` : `back to ${name}`);
  if (isLast) button.setAttribute("aria-current", "step");
  button.addEventListener("click", () => view.send({ kind: "back", row: index }));
  return index ? [createElement("span", "arrow", "›"), button] : [button];
}
