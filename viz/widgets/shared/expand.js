// A picture on the whole screen: its stage moves into a dialog and back.

/** Lets the `stage` of `view` fill the screen: by its button, or by "clsight:open" on the window,
 *  whose `detail.picture` may name one kind of picture.  `target` gets the focus in there.
 *  Returns a function that ends it. */
export function expandable(view, name, target) {
  const { root, stage, redraw } = view;
  const dialog = root.querySelector(".screen");
  const button = root.querySelector(".enlarge");
  const life = new AbortController();
  const on = (element, type, react) => element.addEventListener(type, react, { signal: life.signal });
  let before = null;
  const tell = () => {
    view.expanded = stage.parentElement === dialog;
    button.title = view.expanded ? "Close (Esc)" : "Enlarge";
    button.setAttribute("aria-label", view.expanded ? "Close" : "Enlarge");
  };
  const open = () => {
    if (view.expanded) return;
    before = focused();
    root.style.minHeight = `${root.offsetHeight}px`;
    dialog.append(stage);
    dialog.setAttribute("aria-label", view.data?.place ?? "");
    dialog.showModal();
    tell();
    redraw();
    target.focus({ preventScroll: true });
  };
  const close = () => {
    if (!view.expanded) return;
    root.prepend(stage);
    root.style.minHeight = "";
    if (dialog.open) dialog.close();
    tell();
    redraw();
    (before?.isConnected ? before : button).focus({ preventScroll: true });
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
  tell();
  return () => {
    life.abort();
    if (dialog.open) dialog.close();
  };
}

/** The element that has the focus, inside whichever shadow root. */
export function focused() {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element;
}
