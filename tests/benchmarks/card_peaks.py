"""How many operations a second cards reach at most, as their vendor states it, for MFU.

Dense bfloat16 products, accumulated in float32.  Data sheets state them with 2:4 sparsity too,
which doubles them, and no training here has it.  What isn't listed has no peak rather than a
guess.
"""

import re
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Peak:
    """The most that one card reaches."""

    name: str
    """A regular expression of what the driver calls it, behind `NVIDIA`."""
    tera: float
    """10^12 operations a second."""
    source: str
    """Where the vendor says so."""


PEAKS = (
    Peak("H200", 989.5, "NVIDIA H200 data sheet, SXM: 1,979 with sparsity"),
    Peak("H100 80GB HBM3", 989.5, "NVIDIA H100 data sheet, SXM: 1,979 with sparsity"),
    Peak("H100 PCIe", 756.5, "NVIDIA H100 data sheet, PCIe: 1,513 with sparsity"),
    Peak("A100[- ](SXM4|PCIE|[48]0GB).*", 312, "NVIDIA A100 data sheet: 312"),
    Peak("A10", 125, "NVIDIA A10 data sheet: 125"),
    Peak("A40", 149.7, "NVIDIA A40 data sheet: 149.7"),
    Peak("L4", 121, "NVIDIA L4 data sheet: 242 with sparsity"),
    Peak("L40", 181.05, "NVIDIA L40 data sheet: 181.05"),
    Peak("L40S", 362.05, "NVIDIA L40S data sheet: 362.05"),
    Peak("GeForce RTX 4090", 165.2, "NVIDIA Ada architecture, RTX 4090: 165.2"),
)


def peak_of(device: torch.device) -> Peak | None:
    """The peak of a device; None for a card that isn't listed, a part of a card, and a CPU."""
    return peak_named(torch.cuda.get_device_name(device)) if device.type == "cuda" else None


def peak_named(name: str) -> Peak | None:
    """The peak of a card by its whole name: a `H100 NVL` is no `H100`, nor is a slice (MIG) one."""
    plain = name.strip().removeprefix("NVIDIA ")
    if " MIG " in f" {plain} ":
        return None
    return next((each for each in PEAKS if re.fullmatch(each.name, plain)), None)
