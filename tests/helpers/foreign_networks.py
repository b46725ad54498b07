"""Networks of other projects, small and without trained weights, to see what `condense` makes of them."""

import torch

try:
    import torchvision
except RuntimeError:
    # Its operators are compiled for a torch with CUDA; no network here calls one, but torchvision annotates two.
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

import timm

NETWORKS = {
    "timm resnet18": lambda: timm.create_model("resnet18", num_classes=10),
    "timm convnext_atto": lambda: timm.create_model("convnext_atto", num_classes=10),
    "timm mobilenetv2_050": lambda: timm.create_model("mobilenetv2_050", num_classes=10),
    "torchvision resnet50": lambda: torchvision.models.resnet50(num_classes=10),
    "torchvision regnet_y_400mf": lambda: torchvision.models.regnet_y_400mf(num_classes=10),
}


def network(name):
    """Return a network for images (N, 3, H, W) and ten classes; its weights are the same every time."""
    torch.manual_seed(0)
    return NETWORKS[name]()
