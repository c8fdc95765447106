// Hands tiles to the heat map of the same page; draws nothing.

/**
 * Draws the component.
 * @param {import("../shared/mount.js").Component} component - For which `picture`, of which `map`
 *     the `tiles` are, what it is `waiting` for, and whether that was `stopped`.
 */
export default function ({ data: [message] }) {
  // Kept as well as told, for a heat map that is not there yet.
  window.clsightTiles ??= new Map();
  window.clsightTiles.set(message.picture, message);
  window.dispatchEvent(new CustomEvent("clsight:tiles", { detail: message }));
}
