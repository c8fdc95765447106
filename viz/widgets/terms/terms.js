// One equation: its formulas, and every term with the exact value of each number.

import { createPicture, readByKeys } from "../equations/tile.js";
import { exactNumber, sizeOf } from "../equations/cells.js";
import { decodeFloat32 } from "../shared/array_codec.js";
import { createElement } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";

const SVG = "http://www.w3.org/2000/svg";
const ROOM = { width: 620, height: 260, side: 22, smallest: 6 };
const LABEL_WIDTH = 152;
const NARROW = 520; // where labels stand above

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - The payload of `terms/payload.py`.
 * @returns {() => void} The cleanup.
 */
export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const find = (name) => root.querySelector(`.${name}`);
    const view = { root, tooltip: find("tip"), live: find("live"), redraws: new Set() };
    view.stop = followTheme(root, () => view.redraws.forEach((redraw) => redraw()));
    view.show = ({ data }) => draw(view, data);
    return view;
  });
}

async function draw(view, data) {
  const values = await decodeFloat32(data.values);
  view.data = data;
  view.redraws.clear();
  view.root.querySelector(".formulas").replaceChildren(...data.formulas.map(createFormula));
  const { clientWidth } = view.root;
  view.root.classList.toggle("narrow", clientWidth < NARROW);
  const width = Math.min(ROOM.width, clientWidth - (clientWidth < NARROW ? 4 : LABEL_WIDTH));
  const rows = data.terms.map((term) => {
    const { offset, drawn } = term;
    return createTerm(view, term, values.subarray(offset, offset + drawn[0] * drawn[1]), { ...ROOM, width });
  });
  rows.at(-1).classList.add("result");
  view.root.querySelector(".terms").replaceChildren(...rows);
}

/** A line of the equation; where it is too wide it scrolls. */
function createFormula(outline) {
  const element = createElement("div", "formula");
  element.append(createOutline(outline));
  return element;
}

function createOutline({ latex, path, box }) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: box.join(" "), width: box[2], height: box[3], role: "img", "aria-label": latex };
  Object.entries(attributes).forEach(([name, value]) => svg.setAttribute(name, value));
  const shape = document.createElementNS(SVG, "path");
  shape.setAttribute("d", path);
  shape.setAttribute("transform", "scale(1 -1)");
  svg.append(shape);
  return svg;
}

function createTerm(view, term, values, room) {
  const row = createElement("div", `term ${term.source}`);
  const label = createElement("div", "label");
  const place = createElement("bdi", "place", term.place);
  place.dir = "auto";
  const dimensions = term.shape.join(" × ");
  label.append(createOutline(term.outline), createElement("span", "name", [term.name, dimensions].filter(Boolean).join(" · ")), place);
  row.append(label, term.shape.length ? createMap(view, term, values, room) : createNumber(values[0]));
  return row;
}

function createNumber(value) {
  return createElement("span", "number", exactNumber(value));
}

function createMap(view, term, values, room) {
  const map = createElement("div", "map");
  map.tabIndex = 0;
  map.dataset.testid = "term";
  map.setAttribute("role", "application");
  map.setAttribute("aria-label", `${term.name}, ${sizeOf(term.shape)}. Arrow keys read them.`);
  const canvas = createPicture(view, term, values, room);
  readByKeys(view, map, canvas, term, values);
  const isBlock = term.block[0] * term.block[1] > 1;
  const scale = `colors up to ±${exactNumber(Math.fround(Number(term.largest.toPrecision(3))))}`;
  const notes = [scale, isBlock && `each cell is the strongest of ${term.block.join(" × ")}`];
  map.append(canvas, createElement("small", "", notes.filter(Boolean).join(" · ")));
  return map;
}
