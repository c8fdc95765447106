// A stand-alone page gives its pictures what Streamlit would give them.

/**
 * One kind of picture.
 * @typedef {object} Widget
 * @property {string} html - Its markup.
 * @property {string} css - Its style.
 * @property {(component: object) => () => void} draw - Draws a component.
 */

/**
 * Draws the pictures that the page's element `story` tells, one below another.
 * @param {Record<string, Widget>} widgets - What the pictures are made of, by name.
 */
export function showPictures(widgets) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => followSystem(dark));
  followSystem(dark);
  const story = JSON.parse(document.getElementById("story").textContent);
  const elements = story.pictures.map(() => {
    const element = document.createElement("section");
    document.getElementById("pictures").append(element);
    return element;
  });
  const updates = [];
  story.pictures.forEach(({ widget, data }, index) => {
    updates[index] = show(widgets[widget], elements[index], data, (state, value) => {
      const closeup = state === "selected" && story.closeups?.[`${value.layer}-${value.head}`];
      if (closeup) updates[index + 1]?.(closeup);
    });
  });
}

/** The theme is a class above the pictures, so that they notice when it changes. */
function followSystem(dark) {
  document.documentElement.className = dark.matches ? "dark" : "light";
}

/** Draws one widget into a shadow root of `element`; returns a function that gives it other data. */
function show({ html, css, draw }, element, data, onState) {
  const root = element.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = css;
  const body = document.createElement("div");
  body.innerHTML = html; // our own markup, the same for every page
  root.append(style, body);
  const update = (fresh) =>
    draw({ data: fresh, parentElement: body, setStateValue: onState, setTriggerValue: onState });
  update(data);
  return update;
}
