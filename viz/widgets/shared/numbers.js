// Numbers as a reader sees them.

export const EXACT_DECIMALS = 6; // of a number that stands alone

/**
 * A weight or a score with at least three significant digits where it is tiny.
 * @param {number} value - The number.
 * @param {boolean} signed - Whether a positive number gets a plus sign.
 * @param {number} [decimals] - Decimals at least.
 * @returns {string} The number in words or digits, with a true minus sign.
 */
export function formatNumber(value, signed, decimals = 3) {
  if (Number.isNaN(value)) return "not a number";
  const size = Math.abs(value);
  const needed = size > 0 ? Math.min(12, 2 - Math.floor(Math.log10(size))) : 0;
  const digits = size.toFixed(Math.max(decimals, needed));
  const sign = Number(digits) === 0 ? "" : value < 0 ? "−" : signed ? "+" : "";
  return sign + digits;
}

/**
 * A share in as few digits as tell it from none and from all.
 * @param {number} part - A count, or a share of 1.
 * @param {number} [whole] - What it is a part of.
 * @returns {string} A percentage; empty where there is no whole.
 */
export function percent(part, whole = 1) {
  if (!whole) return "";
  const share = (100 * part) / whole;
  // A share may be off by the rounding of single precision; a count never is.
  if (part === whole || (whole === 1 && share > 100 - 1e-4)) return "100%";
  if (part && share < 0.1) return "<0.1%";
  if (share >= 99.95) return ">99.9%";
  const isNearEnd = part && (share < 9.95 || share > 99);
  return `${share.toFixed(isNearEnd ? 1 : 0)}%`;
}

/**
 * A number moved into the range from `low` to `high`.
 * @param {number} value - The number.
 * @param {number} low - The least that is allowed.
 * @param {number} high - The most that is allowed.
 * @returns {number} The nearest number within the range.
 */
export function clamp(value, low, high) {
  return Math.max(low, Math.min(value, high));
}
