// The line of controls above the atlas: colours, and the fact by which heads are sorted or dimmed.

import { written } from "./descriptions.js";
import { bounds, chosenFact, litBy, rangeOf, scaleOf, storeSettings } from "./order.js";

const CURVES = [["root", "square root"], ["linear", "linear"]];
const SCALES = [["shared", "shared"], ["own", "per head"]];

/** Follows the controls; `change(what)` is called with "colors", "order" or "light". */
export function followControls(view, on, change) {
  const controls = view.root.querySelector(".controls");
  const field = (name) => controls.querySelector(`[name="${name}"]`);
  view.controls = { controls, field };
  fillChoices(field("curve"), CURVES);
  fillChoices(field("scale"), SCALES);
  const { settings } = view;
  const set = (name, value, what) => {
    settings[name] = value;
    storeSettings(settings);
    showControls(view);
    change(what);
  };
  for (const [name, what] of [["curve", "colors"], ["scale", "colors"], ["fact", "order"], ["pattern", "light"]]) {
    on(field(name), "change", ({ target }) => set(name, target.value, what));
  }
  on(field("sort"), "change", ({ target }) => set("sort", target.checked, "order"));
  for (const name of ["least", "most"]) {
    on(field(name), "input", ({ target }) => set("ranges", slid(view, name, Number(target.value)), "light"));
  }
}

/** The ranges after one end of the slider moved; it does not pass the other. */
function slid({ settings }, name, value) {
  const [least, most] = rangeOf(settings, { name: settings.fact });
  const range = name === "least" ? [Math.min(value, most), most] : [least, Math.max(value, least)];
  return { ...settings.ranges, [settings.fact]: range };
}

function fillChoices(select, choices) {
  const same = [...select.options].map(({ text }) => text).join() === choices.map(([, text]) => text).join();
  if (!same) select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
}

/** Brings the controls in line with the settings and the picture. */
export function showControls(view) {
  const { data, settings } = view;
  const { controls, field } = view.controls;
  const facts = data.facts ?? [];
  fillChoices(field("fact"), [["", "none"], ...facts.map(({ name, label }) => [name, label])]);
  controls.querySelector(".by").hidden = !facts.length;
  for (const name of ["curve", "fact"]) field(name).value = settings[name];
  field("scale").value = scaleOf(view);
  const fact = chosenFact(view);
  controls.querySelector(".uses").hidden = !fact;
  if (!fact) return;
  field("sort").checked = settings.sort;
  const named = fact.name === "pattern";
  controls.querySelector(".range").hidden = controls.querySelector(".bounds").hidden = named;
  field("pattern").hidden = !named;
  if (named) showPatterns(view, fact);
  else showRange(view, fact);
  showCount(view);
}

function showPatterns({ data, settings, controls: { field } }, fact) {
  const count = (pattern) => fact.values.filter((value) => value === pattern).length;
  const choices = data.patterns.map(({ name }, at) => [name, `${name} (${count(at)})`, count(at)]);
  fillChoices(field("pattern"), [["", "all patterns"], ...choices.filter(([, , heads]) => heads)]);
  field("pattern").value = settings.pattern;
  // A pattern that no head of this text has dims all: it stays named.
  if (field("pattern").selectedIndex < 0) {
    field("pattern").append(new Option(`${settings.pattern} (0)`, settings.pattern));
    field("pattern").value = settings.pattern;
  }
}

function showRange(view, fact) {
  const { controls, field } = view.controls;
  const [range, ends] = [rangeOf(view.settings, fact), bounds(view, fact)];
  const track = controls.querySelector(".range");
  ["least", "most"].forEach((name, at) => {
    const input = field(name);
    input.value = range[at];
    input.setAttribute("aria-label", `${name} ${fact.label} that is not dimmed`);
    input.setAttribute("aria-valuetext", written(fact, ends[at]));
    track.style.setProperty(`--${name}`, `${range[at] / 10}%`);
  });
  // Where both ends meet at the right, the left one must be on top to be moved again.
  field("least").style.zIndex = range[0] > 500 ? 2 : "";
  controls.querySelector(".bounds").textContent = `${written(fact, ends[0], true)} to ${written(fact, ends[1])}`;
}

function showCount(view) {
  const { layers, heads } = view.data;
  const lit = litBy(view);
  const count = Array.from({ length: layers * heads }, (_, head) => head).filter(lit ?? (() => true)).length;
  const text = `${count} of ${layers * heads} heads`;
  view.controls.controls.querySelector(".count").textContent = lit ? text : "";
}
