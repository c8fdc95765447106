// Tells the atlas of the same page which head is selected; draws nothing.

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - Which `picture`, its `layer` and
 *     `head`, null for means, and its `revision`.
 */
export default function ({ data: [selection] }) {
  // Kept as well as told, for an atlas that is not there yet.
  window.clsightSelected ??= new Map();
  window.clsightSelected.set(selection.picture, selection);
  window.dispatchEvent(new CustomEvent("clsight:select", { detail: selection }));
}
