// A picture within a page or within another picture: its markup and style in a shadow root.

/**
 * What a picture is made of.
 * @typedef {object} Parts
 * @property {string} html - Its markup.
 * @property {string} css - Its style.
 * @property {(component: object) => () => void} draw - Draws a component.
 */

/**
 * Puts a picture into an element.
 * @param {HTMLElement} element - An empty element.
 * @param {Parts} parts - What it is made of.
 * @param {(state: string, value: unknown) => void} onState - Called with what its reader does.
 * @returns {(data: object) => () => void} Draws data; returns what ends the picture.
 */
export function createPart(element, { html, css, draw }, onState) {
  const root = element.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  const body = document.createElement("div");
  body.innerHTML = html; // our own markup, the same for every page
  root.append(style, body);
  return (data) => draw({ data: [data], parentElement: body, setStateValue: onState, setTriggerValue: onState });
}
