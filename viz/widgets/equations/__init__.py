"""The equations of a pass as cards: formula, operands and result, each to be followed."""
