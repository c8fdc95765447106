"""Whether a device computes in bfloat16 by itself, and not by converting to and fro."""

import torch


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device computes products in bfloat16 itself, faster than in float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
