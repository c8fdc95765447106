// A stand-alone page gives its pictures what Streamlit would give them.

import { createPart } from "./part.js";

/**
 * Draws the pictures that the page's element `story` tells, one below another.
 * @param {Record<string, import("./part.js").Parts>} widgets - What the pictures are made of, by name.
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
    updates[index] = createPart(elements[index], widgets[widget], (state, value) => {
      const closeup = state === "selected" && story.closeups?.[`${value.layer}-${value.head}`];
      if (closeup) updates[index + 1]?.(closeup);
    });
    updates[index](data);
  });
}

/** The theme is a class above the pictures, so that they notice when it changes. */
function followSystem(dark) {
  document.documentElement.className = dark.matches ? "dark" : "light";
}
