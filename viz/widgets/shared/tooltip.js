// A tooltip beside what the reader points at.

/**
 * Shows a tooltip above a box, or below it where there is no room above.
 * @param {HTMLElement} tooltip - The element to show; its parent is what it is placed in.
 * @param {string | Node | (string | Node)[]} content - Texts and elements.
 * @param {DOMRect} box - What the tooltip is about, in client coordinates.
 */
export function showTooltip(tooltip, content, box) {
  tooltip.replaceChildren(...[content].flat());
  tooltip.hidden = false;
  const parent = tooltip.parentElement.getBoundingClientRect();
  const centered = box.left - parent.left + (box.width - tooltip.offsetWidth) / 2;
  const above = box.top - parent.top - tooltip.offsetHeight - 6;
  tooltip.style.left = `${Math.max(0, Math.min(centered, parent.width - tooltip.offsetWidth))}px`;
  tooltip.style.top = `${above >= 0 ? above : box.bottom - parent.top + 6}px`;
}
