// One equation as a card: its formula, and its terms, each of which can be followed.

import { createElement } from "../shared/elements.js";
import { exactNumber, products, rangeOf, sizeOf } from "./cells.js";
import { createPicture, readByKeys } from "./tile.js";

const ROOM = { width: 144, height: 66, side: 14 };
const FOCUSED_ROOM = { height: 260, side: 22 };

/**
 * A card.
 * @param {import("./tile.js").View} view - What it belongs to.
 * @param {object} card - As the payload has it.
 * @returns {HTMLElement} The card.
 */
export function createCard(view, card) {
  const element = createElement("article", "card");
  element.dataset.testid = "equation";
  element.setAttribute("aria-label", `${card.name} ${card.place}`);
  const head = createElement("header", "card-head");
  head.append(createElement("strong", "", card.name), bidi("place", card.place));
  if (card.difference !== null) head.append(createCheck(card.difference));
  const formulas = [card.formula, card.numbers].filter(Boolean).map((tex, index) => createFormula(tex, index > 0));
  element.append(head, ...formulas, createTerms(view, card));
  return element;
}

function bidi(className, text) {
  const element = createElement("bdi", className, text);
  element.dir = "auto";
  return element;
}

function createCheck(difference) {
  const element = createElement("span", "check", `✓ recomputed: difference ${difference}`);
  element.title = "From the operands that are shown, in numpy; the largest difference to what the pass recorded.";
  return element;
}

/**
 * A formula; its source until it is set.
 * @param {string} tex - LaTeX.
 * @param {boolean} [isNumbers] - Whether it is the one with numbers.
 * @returns {HTMLElement} An element that scrolls where the formula is too wide.
 */
export function createFormula(tex, isNumbers = false) {
  const element = createElement("div", isNumbers ? "formula numbers" : "formula", tex);
  element.dataset.tex = tex;
  return element;
}

function createTerms(view, card) {
  const row = createElement("div", "terms");
  row.append(createTile(view, card.result), createElement("span", "sign", "="));
  if (card.multiplied) row.append(createProducts(view, card.operands), createElement("span", "sign", "of"));
  row.append(...card.operands.map((id) => createTile(view, id)));
  return row;
}

/**
 * A term in a card: a button that follows it; the one that is followed already is none.
 * @param {import("./tile.js").View} view - What it belongs to.
 * @param {string} id - Of the term.
 * @returns {HTMLElement} The button.
 */
export function createTile(view, id) {
  const term = view.data.terms[id];
  const values = view.valuesOf(term);
  const isFollowed = view.data.walk?.term === id;
  const button = createElement(isFollowed ? "div" : "button", `term ${term.source}`);
  button.dataset.testid = isFollowed ? "result" : "term";
  button.dataset.term = id;
  const size = sizeOf(term.shape);
  const what = [`${term.name} ${term.place}`.trim(), size || exactNumber(values[0])].join(", ");
  if (!isFollowed) {
    button.setAttribute("aria-label", `${what}. Enter follows it${size ? ", arrow keys read its numbers" : ""}.`);
    button.addEventListener("click", () => view.send({ kind: "follow", id }));
  }
  const symbol = createElement("span", "symbol", term.symbol);
  symbol.dataset.tex = term.symbol;
  button.append(symbol);
  if (size) {
    const canvas = createPicture(view, term, values, ROOM);
    readByKeys(view, button, canvas, term, values);
    button.append(canvas);
  } else button.append(createElement("span", "number", exactNumber(values[0])));
  button.append(createElement("small", "", [shortName(term), term.shape.join(" × ")].filter(Boolean).join(" · ")));
  return button;
}

/** The last two parts of the name of a parameter; any other name as it is. */
function shortName({ name, source }) {
  return source === "parameter" ? name.split(".").slice(-2).join(".") : name;
}

/** What is summed: the products of two vectors, each with its factors. */
function createProducts(view, operands) {
  const [first, second] = operands.map((id) => view.valuesOf(view.data.terms[id]));
  const values = products(first, second);
  const term = {
    ...view.data.terms[operands[0]],
    drawn: [1, values.length],
    rows: 1,
    columns: values.length,
    block: [1, 1],
    shape: [values.length],
    axes: view.data.terms[operands[0]].axes.slice(-1),
    largest: values.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    factors: Array.from(values, (_, index) => `${exactNumber(first[index])} × ${exactNumber(second[index])}`),
  };
  const element = createElement("div", "term sum");
  element.dataset.testid = "products";
  element.tabIndex = 0;
  element.setAttribute("role", "application");
  element.setAttribute("aria-label", `${values.length} products, whose sum it is; arrow keys read them.`);
  const canvas = createPicture(view, term, values, ROOM);
  readByKeys(view, element, canvas, term, values);
  element.append(createElement("span", "symbol sigma", "Σ"), canvas, createElement("small", "", "products"));
  return element;
}

/**
 * The term that is followed, large: a click or Enter follows a row of it, or one number.
 * @param {import("./tile.js").View} view - What it belongs to.
 * @param {string} id - Of the term.
 * @returns {HTMLElement} An element that takes the focus.
 */
export function createFocused(view, id) {
  const term = view.data.terms[id];
  const values = view.valuesOf(term);
  const element = createElement("div", "focused");
  element.dataset.testid = "focused";
  element.tabIndex = 0;
  const size = sizeOf(term.shape);
  const name = [term.name, term.place, size || exactNumber(values[0])].filter(Boolean).join(", ");
  if (!size) {
    element.append(createElement("span", "number", exactNumber(values[0])));
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", name);
    return element;
  }
  element.setAttribute("role", "application");
  const isMatrix = term.rows > 1;
  const what = isMatrix ? "the row" : "the number";
  element.setAttribute("aria-label", `${name}. Arrow keys read its numbers, Enter follows ${what}.`);
  const width = Math.max(200, Math.min(view.root.clientWidth - 24, 560));
  const canvas = createPicture(view, term, values, { ...FOCUSED_ROOM, width });
  readByKeys(view, element, canvas, term, values);
  const follow = () => {
    if (canvas.cell === null) return;
    const { row, column } = rangeOf(term, canvas.cell);
    view.send({ kind: "part", id, row, column: isMatrix ? null : column });
  };
  canvas.addEventListener("click", follow);
  element.addEventListener("keydown", (event) => event.key === "Enter" && follow());
  const notes = [
    term.block[0] * term.block[1] > 1 && `each cell is the strongest of ${term.block.join(" × ")}`,
    `click ${isMatrix ? "a row" : "a number"} to follow it`,
  ];
  element.append(canvas, createElement("small", "", notes.filter(Boolean).join(" · ")));
  return element;
}
