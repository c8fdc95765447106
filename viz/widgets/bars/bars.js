// The bars: the predicted class by name, then every class with its probability.

import { make } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    return { show: ({ data }) => draw(root, data), stop: followTheme(root) };
  });
}

function draw(root, { name, percent, rows, shown }) {
  root.querySelector(".name").textContent = name;
  root.querySelector(".percent").textContent = percent;
  const list = root.querySelector(".bars");
  const more = rows.length - shown;
  list.replaceChildren(...rows.map(bar));
  list.style.setProperty("--shown", shown);
  list.classList.toggle("long", more > 0);
  // A list that scrolls is reached by the keyboard.
  list.tabIndex = more > 0 ? 0 : -1;
  root.querySelector(".caption").textContent = more > 0 ? `${more} more below, scroll to see them` : "";
}

function bar({ label, share, percent, predicted }) {
  const row = make("li", predicted ? "bar own" : "bar");
  row.dataset.testid = "class-bar";
  const name = make("span", "label", label);
  name.title = label;
  name.dir = "auto";
  const track = make("span", "track");
  const fill = make("span", "fill");
  fill.style.width = `${share * 100}%`;
  track.append(fill);
  row.append(name, track, make("span", "value", percent));
  return row;
}
