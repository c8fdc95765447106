// A stand-alone page gives its pictures what Streamlit would give them.

/** Draws the pictures of a page; `widgets` holds the markup, style and `draw` of each by its name. */
export function showStory(widgets) {
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
      const closer = state === "selected" && story.closeups?.[`${value.layer}-${value.head}`];
      if (closer) updates[index + 1]?.(closer);
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
