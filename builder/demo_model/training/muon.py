"""Muon: momentum whose matrix is made orthogonal before each step.

A small model learns from far fewer tokens with it than with AdamW, which keeps the embedding and
the norms only.
"""

# Without torch at hand, mypy sees its classes and decorators as Any.
# mypy: allow-subclassing-any, allow-untyped-decorators, no-warn-unused-ignores, no-warn-return-any

from collections.abc import Iterable
from concurrent.futures import Executor

import torch
from torch import Tensor

# A polynomial of degree five that drives all singular values towards one.
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(torch.optim.Optimizer):
    """Steps of equal size in all directions of a weight matrix; the matrices share the workers."""

    def __init__(self, weights: Iterable[Tensor], workers: Executor, momentum: float) -> None:
        super().__init__(weights, {"lr": 0.0, "momentum": momentum, "decay": 0.01})
        self._workers = workers

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every weight from its gradient, a few of equal shape at a time."""
        if closure is not None:
            raise ValueError("Muon takes no closure")
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for weight in group["params"]:
                by_shape.setdefault(weight.shape, []).append(weight)
            parts = [same[i : i + 4] for same in by_shape.values() for i in range(0, len(same), 4)]
            settings = (group["lr"], group["momentum"], group["decay"])
            list(self._workers.map(lambda part: self._update(part, *settings), parts))  # noqa: B023

    @torch.no_grad()
    def _update(self, weights: list[Tensor], lr: float, momentum: float, decay: float) -> None:
        directions = []
        for weight in weights:
            if weight.grad is None:
                raise ValueError("Muon needs the gradient of every weight")
            velocity = self.state[weight].setdefault("velocity", torch.zeros_like(weight))
            velocity.lerp_(weight.grad, 1 - momentum)
            directions.append(torch.lerp(weight.grad, velocity, momentum))
        rows, columns = weights[0].shape
        scale = max(1.0, rows / columns) ** 0.5
        for weight, direction in zip(weights, orthogonal(torch.stack(directions)), strict=True):
            weight.mul_(1 - lr * decay).add_(direction, alpha=-lr * scale)


def orthogonal(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Return for each matrix the nearest one with equal singular values, roughly."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        gram = x @ x.mT
        x = _A * x + (_B * gram + _C * gram @ gram) @ x
    return x.mT if tall else x
