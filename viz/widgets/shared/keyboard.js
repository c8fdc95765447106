// Keys that move within a picture.

import { clamp } from "./numbers.js";

/**
 * Whether a key is pressed together with one that makes it the browser's.
 * @param {KeyboardEvent} event - The key.
 * @returns {boolean} Whether Ctrl, Alt or Meta is held.
 */
export function hasModifier(event) {
  return event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * Which keys move in a list, and where to.
 * @typedef {object} Keys
 * @property {string[]} previous - To the place before.
 * @property {string[]} next - To the place behind.
 * @property {string} first - To the first place.
 * @property {string} last - To the last one.
 */

/**
 * Where a key leads in a list.
 * @param {string} key - The name of the key, as an event has it.
 * @param {number} index - The place where the reader is.
 * @param {number} count - How many places there are.
 * @param {Keys} keys - Which keys move.
 * @returns {number | null} The place; null where the key does not move.
 */
export function moveInList(key, index, count, { previous, next, first, last }) {
  if (key === first) return 0;
  if (key === last) return count - 1;
  const step = next.includes(key) ? 1 : previous.includes(key) ? -1 : 0;
  return step ? clamp(index + step, 0, count - 1) : null;
}
