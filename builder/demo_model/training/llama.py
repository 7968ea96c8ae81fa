"""A Llama in plain PyTorch: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied ends.

The rotary pairs are neighbours (0 with 1, 2 with 3), as llama.cpp wants them, so that the weights
go into GGUF as they are.
"""

# Without torch at hand, mypy sees its classes as Any.
# mypy: allow-subclassing-any, no-warn-return-any

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Past = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Shape:
    """The sizes of a model. Every width is a multiple of 32, which q8_0 needs."""

    vocabulary: int = 4096
    width: int = 256
    inner: int = 704
    layers: int = 4
    heads: int = 8
    key_heads: int = 4
    context: int = 2048
    theta: float = 10_000.0
    epsilon: float = 1e-5

    @property
    def head_width(self) -> int:
        """The width of one attention head."""
        return self.width // self.heads

    def as_dict(self) -> dict[str, Any]:
        """Return the sizes by name."""
        return asdict(self)


class Attention(nn.Module):
    """Causal attention; with `past` the tokens also see everything that came before them."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        keys = shape.key_heads * shape.head_width
        self.q = nn.Linear(shape.width, shape.width, bias=False)
        self.k = nn.Linear(shape.width, keys, bias=False)
        self.v = nn.Linear(shape.width, keys, bias=False)
        self.o = nn.Linear(shape.width, shape.width, bias=False)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the mixed values, and the keys and values for a later call."""
        batch, length, _ = x.shape
        size = self.shape.head_width
        q = rotate(self.q(x).view(batch, length, -1, size).transpose(1, 2), turn)
        k = rotate(self.k(x).view(batch, length, -1, size).transpose(1, 2), turn)
        v = self.v(x).view(batch, length, -1, size).transpose(1, 2)
        now = (k, v)
        mask = None
        if past is not None:
            k = torch.cat([past[0].expand(batch, -1, -1, -1), k], 2)
            v = torch.cat([past[1].expand(batch, -1, -1, -1), v], 2)
            before = past[0].shape[2]
            mask = torch.ones(length, before + length, dtype=torch.bool).tril(before)
        share = self.shape.heads // self.shape.key_heads
        k, v = k.repeat_interleave(share, 1), v.repeat_interleave(share, 1)
        mixed = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=mask is None
        )
        return self.o(mixed.transpose(1, 2).reshape(batch, length, -1)), now


class Block(nn.Module):
    """One layer: attention, then the gated feed-forward part."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.attention = Attention(shape)
        self.forward_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.gate = nn.Linear(shape.width, shape.inner, bias=False)
        self.up = nn.Linear(shape.width, shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(
        self, x: Tensor, turn: tuple[Tensor, Tensor], past: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the layer's output and its keys and values."""
        mixed, now = self.attention(self.attention_norm(x), turn, past)
        x = x + mixed
        h = self.forward_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h)), now


class Llama(nn.Module):
    """Token numbers in, hidden states out; `logits` turns hidden states into scores."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.width, shape.epsilon)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                last = name.endswith(("o.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if last else 0.02)

    def forward(self, ids: Tensor, past: Past | None = None) -> tuple[Tensor, Past]:
        """Return the hidden states of `ids`, which follow on `past`, and their keys and values."""
        start = past[0][0].shape[2] if past else 0
        turn = rotation(self.shape, start, ids.shape[1])
        x = self.embedding(ids)
        kept: Past = []
        for number, block in enumerate(self.blocks):
            x, now = block(x, turn, past[number] if past else None)
            kept.append(now)
        return self.norm(x), kept

    def logits(self, hidden: Tensor) -> Tensor:
        """Return the scores of all tokens; the output matrix is the embedding itself."""
        return functional.linear(hidden, self.embedding.weight)


def rotation(shape: Shape, start: int, length: int) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of the rotary angles of the positions from `start` on."""
    half = torch.arange(0, shape.head_width, 2).float() / shape.head_width
    angles = torch.outer(torch.arange(start, start + length).float(), shape.theta**-half)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate each pair of neighbouring channels by the angle of its position."""
    cosine, sine = turn
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).flatten(-2)
