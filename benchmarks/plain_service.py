"""The rival of `serving.py`: the service that people write first, with torch as it comes and none of hilum's inference.

It reads a picture with Pillow, makes it 244 x 244 and grey, normalises it as torchvision's weights want it, and runs a torchvision network
with four classes in the request. No batches, no limits, no tokens, no checks.
"""

from __future__ import annotations

import io

import numpy as np
import torch
import torchvision
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image
from torch import nn

CLASSES = ("bacterial", "covid", "normal", "viral")
MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def network(name: str) -> nn.Module:
    """A network of torchvision, or timm's EfficientNet-Lite0, with four classes."""
    if name == "squeezenet1_0":
        net = torchvision.models.squeezenet1_0()
        net.classifier[1] = nn.Conv2d(512, len(CLASSES), 1)
    elif name == "resnet50":
        net = torchvision.models.resnet50()
        net.fc = nn.Linear(2048, len(CLASSES))
    else:
        import timm

        net = timm.create_model(name, num_classes=len(CLASSES))
    return net.eval()


def app(name: str) -> FastAPI:
    """The service."""
    model, found = network(name), FastAPI()

    def scores(data: bytes) -> dict[str, float]:
        film = Image.open(io.BytesIO(data)).convert("L").resize((244, 244), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(film)).float().div(255).expand(3, 244, 244)
        with torch.no_grad():
            p = model(((pixels - MEAN) / STD)[None]).flatten(1).softmax(1)[0]
        return dict(zip(CLASSES, p.tolist(), strict=True))

    @found.post("/v1/predict")
    async def predict(request: Request) -> dict[str, float]:
        data = await request.body()
        return scores(data)

    return found


def run(name: str, port: str) -> None:
    """Serve until stopped."""
    uvicorn.run(app(name), port=int(port), log_level="error")
