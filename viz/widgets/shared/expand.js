// A picture on the whole screen: its stage moves into a dialog and back.

import { focusedElement } from "./elements.js";

/**
 * Lets the stage of a view fill the screen: by its button, or by "clsight:open" on the window,
 * whose `detail.picture` may name one kind of picture.
 * @param {object} view - Has `root`, `stage` and `redraw`; its `expanded` is kept up to date.
 * @param {string} name - The kind of picture.
 * @param {HTMLElement} target - What gets the focus on the screen.
 * @returns {() => void} Ends it.
 */
export function makeExpandable(view, name, target) {
  const { root, stage, redraw } = view;
  const dialog = root.querySelector(".screen");
  const button = root.querySelector(".enlarge");
  const listeners = new AbortController();
  const on = (element, type, react) => element.addEventListener(type, react, { signal: listeners.signal });
  let focusedBefore = null;
  const updateButton = () => {
    view.expanded = stage.parentElement === dialog;
    button.title = view.expanded ? "Close (Esc)" : "Enlarge";
    button.setAttribute("aria-label", view.expanded ? "Close" : "Enlarge");
  };
  const open = () => {
    if (view.expanded) return;
    focusedBefore = focusedElement();
    root.style.minHeight = `${root.offsetHeight}px`;
    dialog.append(stage);
    dialog.setAttribute("aria-label", view.data?.title ?? "");
    dialog.showModal();
    updateButton();
    redraw();
    target.focus({ preventScroll: true });
  };
  const close = () => {
    if (!view.expanded) return;
    root.prepend(stage);
    root.style.minHeight = "";
    if (dialog.open) dialog.close();
    updateButton();
    redraw();
    (focusedBefore?.isConnected ? focusedBefore : button).focus({ preventScroll: true });
    window.dispatchEvent(new CustomEvent("clsight:closed", { detail: { picture: name } }));
  };
  on(button, "click", () => (view.expanded ? close() : open()));
  on(dialog, "cancel", (event) => {
    event.preventDefault();
    close();
  });
  on(dialog, "close", close);
  on(window, "clsight:open", (event) => {
    const other = event.detail?.picture && event.detail.picture !== name;
    if (other || !root.clientWidth) return;
    event.stopImmediatePropagation(); // one picture fills the screen, though others may listen
    open();
  });
  updateButton();
  return () => {
    listeners.abort();
    if (dialog.open) dialog.close();
  };
}
