// The strip: words of the text on the colours of their scores; the exact score on hover and focus.

import { make } from "../shared/elements.js";
import { mount } from "../shared/mount.js";
import { followTheme } from "../shared/page_theme.js";
import { showTip } from "../shared/tooltip.js";

export default function (component) {
  return mount(component, (parent) => {
    const root = parent.querySelector(".root");
    const view = { root, text: root.querySelector(".text"), tip: root.querySelector(".tip") };
    const life = new AbortController();
    const on = (type, react) => view.text.addEventListener(type, react, { signal: life.signal });
    on("pointerover", (event) => point(view, event.target));
    on("pointerleave", () => point(view, null));
    on("scroll", () => point(view, null));
    on("focusin", (event) => point(view, event.target));
    on("focusout", () => point(view, null));
    on("keydown", (event) => press(view, event));
    const enter = () => view.opens && view.text.focus();
    window.addEventListener("clsight:open", enter, { signal: life.signal });
    const stopTheme = followTheme(root);
    view.show = ({ data }) => draw(view, data);
    view.stop = () => {
      life.abort();
      stopTheme();
    };
    return view;
  });
}

function draw(view, data) {
  const { root, text } = view;
  view.opens = Boolean(data.opens);
  point(view, null);
  text.replaceChildren(...data.parts.map(paragraph));
  text.setAttribute("aria-label", "Words with their scores. Arrow keys go from word to word.");
  for (const name of ["low", "lowest", "highest", "high", "caption"]) {
    root.querySelector(`.${name}`).textContent = data[name];
  }
  for (const [theme, colors] of Object.entries(data.ramp)) {
    root.querySelector(".ramp").style.setProperty(`--${theme}`, colors);
  }
}

function paragraph(segments) {
  const element = make("p", "part");
  element.dir = "auto";
  element.append(...segments.map(node));
  return element;
}

function node({ text, kind, score, light, dark }) {
  if (kind === "gap") return document.createTextNode(text);
  // What stands in a bdi has no say in the direction of its paragraph.
  const element = make(kind === "special" ? "bdi" : "span", kind, text);
  element.dataset.testid = kind;
  if (kind === "unseen") element.title = "The model never saw this part.";
  if (score === undefined) return element;
  element.dataset.score = score;
  element.tabIndex = -1;
  if (kind === "special") element.append(make("small", "", score));
  if (kind === "word") {
    const names = ["--light", "--light-ink", "--dark", "--dark-ink"];
    [...light, ...dark].forEach((color, at) => element.style.setProperty(names[at], color));
  }
  return element;
}

/** Shows the score of the word under the pointer or the focus; anything else hides it. */
function point({ tip, text }, target) {
  const word = target?.closest?.("[data-score]");
  text.querySelector("[aria-describedby]")?.removeAttribute("aria-describedby");
  tip.hidden = true;
  if (!word) return;
  const name = word.firstChild?.textContent ?? "";
  showTip(tip, `${word.dataset.score} · ${name}`, word.getClientRects()[0]);
  word.setAttribute("aria-describedby", "tip");
}

function press(view, event) {
  const { text } = view;
  if (event.key === "Escape") {
    point(view, null);
    if (view.opens) window.dispatchEvent(new CustomEvent("clsight:closed", { detail: { picture: "strip" } }));
  }
  const words = [...text.querySelectorAll("[data-score]")];
  const at = words.indexOf(event.target);
  const targets = {
    ArrowRight: at + 1,
    ArrowDown: at + 1,
    ArrowLeft: at - 1,
    ArrowUp: at - 1,
    Home: 0,
    End: words.length - 1,
  };
  if (!(event.key in targets) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  words[Math.max(0, Math.min(words.length - 1, targets[event.key]))]?.focus();
}
