// The host: gives the pictures of a stand-alone page what Streamlit would give them.

const dark = matchMedia("(prefers-color-scheme: dark)");

/** The theme is a class above the pictures, so that they notice when it changes. */
function followSystem() {
  document.documentElement.className = dark.matches ? "dark" : "light";
}
dark.addEventListener("change", followSystem);
followSystem();

/** Draws one widget into a shadow root of `element`; returns a function that gives it other data. */
function show(name, element, data, onState = () => {}) {
  const { html, css, draw } = widgets[name];
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

const story = JSON.parse(document.getElementById("story").textContent);
const elements = story.pictures.map(() => {
  const element = document.createElement("section");
  document.getElementById("pictures").append(element);
  return element;
});
const updates = [];
story.pictures.forEach(({ widget, data }, index) => {
  updates[index] = show(widget, elements[index], data, (state, value) => {
    const closer = state === "selected" && story.closeups?.[`${value.layer}-${value.head}`];
    if (closer) updates[index + 1]?.(closer);
  });
});
