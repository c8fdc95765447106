// Numbers as a reader sees them.

export const EXACT = 6; // decimals of a number that stands alone

/** A weight or a share with at least so many decimals, and at least three digits where it is tiny. */
export function number(value, signed, decimals = 3) {
  if (Number.isNaN(value)) return "not a number";
  const size = Math.abs(value);
  const needed = size > 0 ? Math.min(12, 2 - Math.floor(Math.log10(size))) : 0;
  const digits = size.toFixed(Math.max(decimals, needed));
  const sign = Number(digits) === 0 ? "" : value < 0 ? "−" : signed ? "+" : "";
  return sign + digits;
}
