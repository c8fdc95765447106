// The line of controls above the atlas: its colors, and the statistic that heads are sorted or
// dimmed by.

import { formatStatistic } from "./descriptions.js";
import { boundsOf, chosenStatistic, headFilter, rangeOf, scaleOf, storeSettings } from "./order.js";

const CURVES = [["root", "square root"], ["linear", "linear"]];
const SCALES = [["shared", "shared"], ["own", "per head"]];
/** What each of the drop-down lists changes. */
const CHANGES = { curve: "colors", scale: "colors", statistic: "order", pattern: "dimming" };

/**
 * Follows the controls.
 * @param {object} view - The atlas.
 * @param {(target: EventTarget, type: string, react: (event: Event) => void) => void} on - Listens.
 * @param {(what: "colors" | "order" | "dimming") => void} onChange - Called after each change.
 */
export function followControls(view, on, onChange) {
  const controls = view.root.querySelector(".controls");
  const field = (name) => controls.querySelector(`[name="${name}"]`);
  view.controls = { controls, field };
  setOptions(field("curve"), CURVES);
  setOptions(field("scale"), SCALES);
  const { settings } = view;
  const set = (name, value, what) => {
    settings[name] = value;
    storeSettings(settings);
    updateControls(view);
    onChange(what);
  };
  for (const [name, what] of Object.entries(CHANGES)) {
    on(field(name), "change", ({ target }) => set(name, target.value, what));
  }
  on(field("sort"), "change", ({ target }) => set("sort", target.checked, "order"));
  for (const name of ["min", "max"]) {
    on(field(name), "input", ({ target }) => set("ranges", movedRange(view, name, Number(target.value)), "dimming"));
  }
}

/** The ranges after one end of the slider moved; it does not pass the other. */
function movedRange({ settings }, name, value) {
  const [min, max] = rangeOf(settings, { name: settings.statistic });
  const range = name === "min" ? [Math.min(value, max), max] : [min, Math.max(value, min)];
  return { ...settings.ranges, [settings.statistic]: range };
}

function setOptions(select, choices) {
  const texts = [...select.options].map(({ text }) => text).join();
  if (texts === choices.map(([, text]) => text).join()) return;
  select.replaceChildren(...choices.map(([value, text]) => new Option(text, value)));
}

/**
 * Brings the controls in line with the settings and the picture.
 * @param {object} view - The atlas.
 */
export function updateControls(view) {
  const { data, settings } = view;
  const { controls, field } = view.controls;
  const statistics = data.statistics ?? [];
  setOptions(field("statistic"), [["", "none"], ...statistics.map(({ name, label }) => [name, label])]);
  controls.querySelector(".statistics").hidden = !statistics.length;
  for (const name of ["curve", "statistic"]) field(name).value = settings[name];
  field("scale").value = scaleOf(view);
  const statistic = chosenStatistic(view);
  controls.querySelector(".filters").hidden = !statistic;
  if (!statistic) return;
  field("sort").checked = settings.sort;
  const isPattern = statistic.name === "pattern";
  controls.querySelector(".range").hidden = controls.querySelector(".bounds").hidden = isPattern;
  field("pattern").hidden = !isPattern;
  if (isPattern) updatePatterns(view, statistic);
  else updateRange(view, statistic);
  updateCount(view);
}

function updatePatterns({ data, settings, controls: { field } }, statistic) {
  const count = (pattern) => statistic.values.filter((value) => value === pattern).length;
  const choices = data.patterns.map(({ name }, index) => [name, `${name} (${count(index)})`, count(index)]);
  setOptions(field("pattern"), [["", "all patterns"], ...choices.filter(([, , heads]) => heads)]);
  field("pattern").value = settings.pattern;
  // A pattern that no head of this text has dims all: it stays named.
  if (field("pattern").selectedIndex < 0) {
    field("pattern").append(new Option(`${settings.pattern} (0)`, settings.pattern));
    field("pattern").value = settings.pattern;
  }
}

function updateRange(view, statistic) {
  const { controls, field } = view.controls;
  const [range, bounds] = [rangeOf(view.settings, statistic), boundsOf(view, statistic)];
  const track = controls.querySelector(".range");
  const words = { min: "least", max: "most" };
  ["min", "max"].forEach((name, index) => {
    const input = field(name);
    input.value = range[index];
    input.setAttribute("aria-label", `${words[name]} ${statistic.label} that is not dimmed`);
    input.setAttribute("aria-valuetext", formatStatistic(statistic, bounds[index]));
    track.style.setProperty(`--${name}`, `${range[index] / 10}%`);
  });
  // Where both ends meet at the right, the left one must be on top to be moved again.
  field("min").style.zIndex = range[0] > 500 ? 2 : "";
  const [from, to] = [formatStatistic(statistic, bounds[0], true), formatStatistic(statistic, bounds[1])];
  controls.querySelector(".bounds").textContent = `${from} to ${to}`;
}

function updateCount(view) {
  const { layers, heads } = view.data;
  const isShown = headFilter(view);
  const count = Array.from({ length: layers * heads }, (_, head) => head).filter(isShown ?? (() => true)).length;
  const text = `${count} of ${layers * heads} heads`;
  view.controls.controls.querySelector(".count").textContent = isShown ? text : "";
}
