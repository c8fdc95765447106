// The words of the text on the colors of their scores; the exact score on hover and focus.

import { createElement } from "../shared/elements.js";
import { LABEL, updateHatch } from "../shared/impossible.js";
import { hasModifier, moveInList } from "../shared/keyboard.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";
import { showTooltip } from "../shared/tooltip.js";

const KEYS = {
  previous: ["ArrowLeft", "ArrowUp"],
  next: ["ArrowRight", "ArrowDown"],
  first: "Home",
  last: "End",
};

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of
 *     `colored_text/payload.py`, with `low`, `high` and `caption`, and with `opens` where Enter in
 *     the atlas leads here.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const view = { root, text: root.querySelector(".text"), tooltip: root.querySelector(".tip") };
    const listeners = new AbortController();
    const { signal } = listeners;
    const on = (type, react) => view.text.addEventListener(type, react, { signal });
    on("pointerover", (event) => showScore(view, event.target));
    on("pointerleave", () => showScore(view, null));
    on("scroll", () => showScore(view, null));
    on("focusin", (event) => showScore(view, event.target));
    on("focusout", () => showScore(view, null));
    on("keydown", (event) => onKeydown(view, event));
    on("click", (event) => selectWord(view, event.target));
    window.addEventListener("clsight:open", () => view.opens && view.text.focus(), { signal });
    const stopTheme = followTheme(root);
    view.show = ({ data, setStateValue }) => {
      view.select = (token) => setStateValue("token", token);
      drawText(view, data);
    };
    view.stop = () => {
      listeners.abort();
      stopTheme();
    };
    return view;
  });
}

function drawText(view, data) {
  const { root, text } = view;
  view.opens = Boolean(data.opens);
  showScore(view, null);
  text.replaceChildren(...data.parts.map(createParagraph));
  text.setAttribute("aria-label", "Words with their scores. Arrow keys go from word to word.");
  for (const name of ["low", "lowest", "highest", "high", "caption"]) {
    root.querySelector(`.${name}`).textContent = data[name];
  }
  updateHatch(root, data.impossible);
  root.querySelector(".legend").hidden = !data.ramp;
  for (const [theme, colors] of Object.entries(data.ramp ?? {})) {
    root.querySelector(".ramp").style.setProperty(`--${theme}`, colors);
  }
}

function createParagraph(segments) {
  const element = createElement("p", "part");
  element.dir = "auto";
  element.append(...segments.map(createSegment));
  return element;
}

/** Tells the page which word the reader chose, where it wants to know. */
function selectWord(view, target) {
  const word = target?.closest?.("[data-token]");
  if (word) view.select(Number(word.dataset.token));
}

function createSegment({ text, kind, score, light, dark, impossible, mark, before, token }) {
  if (kind === "gap") return document.createTextNode(text);
  // What stands in a bdi has no say in the direction of its paragraph.
  const element = createElement(kind === "special" ? "bdi" : "span", kind, text);
  element.dataset.testid = kind;
  if (token !== undefined) element.dataset.token = token;
  if (mark) markChange(element, mark, before);
  if (kind === "unseen") element.title = "The model never saw this part.";
  if (impossible) {
    element.classList.add("hatch");
    element.dataset.score = LABEL;
    element.tabIndex = -1;
  }
  if (score === undefined) return element;
  element.dataset.score = score;
  element.tabIndex = -1;
  if (kind === "special") element.append(createElement("small", "", score));
  if (kind === "word") {
    const names = ["--light", "--light-ink", "--dark", "--dark-ink"];
    [...light, ...dark].forEach((color, index) => element.style.setProperty(names[index], color));
  }
  return element;
}

/** Shows that a word is inserted, deleted, or stands in place of what was there before. */
function markChange(element, mark, before) {
  element.classList.add("changed", mark);
  element.dataset.name = before ? `${before} → ${element.textContent}` : element.textContent;
  if (before) element.prepend(createElement("del", "", before), " ");
}

/** Shows the score of the word under the pointer or the focus; anything else hides it. */
function showScore({ tooltip, text }, target) {
  const word = target?.closest?.("[data-score]");
  text.querySelector("[aria-describedby]")?.removeAttribute("aria-describedby");
  tooltip.hidden = true;
  if (!word) return;
  const name = word.dataset.name ?? word.firstChild?.textContent ?? "";
  showTooltip(tooltip, `${word.dataset.score} · ${name}`, word.getClientRects()[0]);
  word.setAttribute("aria-describedby", "tip");
}

function onKeydown(view, event) {
  const { text } = view;
  if (event.key === "Escape") {
    showScore(view, null);
    const closed = new CustomEvent("clsight:closed", { detail: { picture: "colored-text" } });
    if (view.opens) window.dispatchEvent(closed);
  }
  if (hasModifier(event)) return;
  if (event.key === "Enter") selectWord(view, event.target);
  const words = [...text.querySelectorAll("[data-score]")];
  const index = moveInList(event.key, words.indexOf(event.target), words.length, KEYS);
  if (index === null) return;
  event.preventDefault();
  words[index]?.focus();
}
