"""Trains the demo model: corpus, tokenizer, steps, GGUF.

    python -m builder.demo_model.training.train --out FOLDER
    python -m builder.demo_model.training.train --out NEXT --start FOLDER --seed N

The first begins from nothing; the second goes on from a written model, with its tokenizer and a
corpus of its own.

The seed and the number of steps decide the result, not the clock. `--chats` and `--steps` belong
together: a run makes one pass, and stops at the given step if the corpus lasts longer.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

from builder.demo_model.training import corpus
from builder.demo_model.training.batches import IGNORED, Batch, Reader, steps
from builder.demo_model.training.convert import MODEL, read_weights, write_model
from builder.demo_model.training.llama import Llama, Shape
from builder.demo_model.training.muon import Muon
from builder.demo_model.training.tokens import train_tokenizer, write_tokenizer

OTHER_RATE_SHARE = 0.2
WARM_UP, COOL_DOWN = 60, 0.45


@dataclass(frozen=True)
class Plan:
    """How long a run is and how often it saves what it has."""

    chats: int
    steps: int
    tokens: int
    save_every: int
    seed: int
    workers: int
    rate: float
    start: Path | None


class Trainer:
    """A model with its two optimizers: Muon for the matrices, AdamW for the rest.

    Each batch of a step goes to the next free worker, so a busy core slows only its own batch. The
    gradients are added in the order of the batches: the result does not hang on the timing.
    """

    def __init__(self, shape: Shape, plan: Plan, workers: Executor) -> None:
        torch.manual_seed(plan.seed)
        self.model = Llama(shape)
        if plan.start is not None:
            read_weights(self.model, plan.start / MODEL)
        self.plan = plan
        self.workers = workers
        self.weights = list(self.model.parameters())
        named = list(self.model.named_parameters())
        matrices = [w for name, w in named if w.dim() == 2 and not name.startswith("embedding")]
        rest = [w for name, w in named if w.dim() != 2 or name.startswith("embedding")]
        self.muon = Muon(matrices, workers, momentum=0.95)
        self.adam = torch.optim.AdamW(rest, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)

    def step(self, number: int, last: int, batches: list[Batch]) -> float:
        """Make one step and return the loss per learnt token."""
        rate = self.plan.rate * schedule(number, last)
        self.muon.param_groups[0]["lr"] = rate
        self.adam.param_groups[0]["lr"] = rate * OTHER_RATE_SHARE
        learnt = sum(int((batch.targets != IGNORED).sum()) for batch in batches)
        parts = list(self.workers.map(lambda batch: self._gradients(batch, learnt), batches))
        for index, weight in enumerate(self.weights):
            weight.grad = torch.stack([gradients[index] for _, gradients in parts]).sum(0)
        self.muon.step()
        self.adam.step()
        return sum(loss for loss, _ in parts)

    def _gradients(self, batch: Batch, learnt: int) -> tuple[float, tuple[Tensor, ...]]:
        loss = self._loss(batch) / learnt
        return loss.item(), torch.autograd.grad(loss, self.weights)

    def _loss(self, batch: Batch) -> Tensor:
        past = None if batch.before is None else self.model(batch.before)[1]
        hidden, _ = self.model(batch.ids, past)
        wanted = batch.targets != IGNORED
        scores = self.model.logits(hidden[wanted])
        return functional.cross_entropy(scores, batch.targets[wanted], reduction="sum")


def schedule(number: int, last: int) -> float:
    """Return the share of the full rate: a short rise, a plateau, a straight fall."""
    rise = min(1.0, (number + 1) / WARM_UP)
    fall = min(1.0, (last - number) / (COOL_DOWN * last))
    return max(0.01, min(rise, fall))


def run(plan: Plan, shape: Shape, out: Path) -> None:
    """Train and leave the finished model in `out`, with a usable one at every save."""
    out.mkdir(parents=True, exist_ok=True)
    chats = out / "corpus.jsonl"
    with chats.open("w", encoding="utf-8") as lines:
        for chat in corpus.chats(plan.chats, plan.seed):
            lines.write(json.dumps(chat, ensure_ascii=False) + "\n")
    if plan.start is None:
        tokenizer = train_tokenizer(chats)
    else:
        tokenizer = Tokenizer.from_file(str(plan.start / "tokenizer.json"))
    write_tokenizer(tokenizer, out)
    reader = Reader(tokenizer)
    material = reader.read(chats)
    with ThreadPoolExecutor(plan.workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        trainer = Trainer(shape, plan, pool)
        size = sum(weight.numel() for weight in trainer.weights)
        _say(out, f"{size} parameters, {len(material.plain)} plain chats")
        source = steps(material, plan.tokens, random.Random(plan.seed), reader.pad)
        _loop(trainer, source, tokenizer, out)
    write_model(trainer.model, tokenizer, out)


def _loop(trainer: Trainer, source: Iterator[list[Batch]], tokenizer: Tokenizer, out: Path) -> None:
    began, smooth, tokens = time.monotonic(), 0.0, 0
    for number, batches in enumerate(source):
        last = _last_step(trainer.plan, out)
        if number >= last:
            break
        loss = trainer.step(number, last, batches)
        tokens += sum(batch.ids.numel() for batch in batches)
        smooth = loss if number == 0 else 0.97 * smooth + 0.03 * loss
        if number % 20 == 0:
            seconds = time.monotonic() - began
            _say(
                out, f"step {number}/{last} loss {smooth:.4f} tokens {tokens} seconds {seconds:.0f}"
            )
        if number and number % trainer.plan.save_every == 0:
            write_model(trainer.model, tokenizer, out)
    _say(out, f"done: loss {smooth:.4f} tokens {tokens} seconds {time.monotonic() - began:.0f}")


def _last_step(plan: Plan, out: Path) -> int:
    """Return the number of steps; a file `steps` in the folder changes it while a run goes on.

    As long as the fall of the rate has not begun, the outcome is that of a run that was started
    with the new number.
    """
    wish = out / "steps"
    return int(wish.read_text(encoding="utf-8")) if wish.exists() else plan.steps


def _say(out: Path, line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    with (out / "train.log").open("a", encoding="utf-8") as log:
        log.write(line + "\n")


def main() -> None:
    """Read the options and train."""
    parser = argparse.ArgumentParser(description="Train the demo model.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--chats", type=int, default=120_000)
    parser.add_argument("--steps", type=int, default=2300)
    parser.add_argument("--tokens", type=int, default=880, help="tokens of a plain batch")
    parser.add_argument("--save-every", type=int, default=50)
    parser.add_argument("--seed", type=int, default=corpus.SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=0.02, help="of Muon, at its highest")
    parser.add_argument("--start", type=Path, help="folder of a written model to go on from")
    options = vars(parser.parse_args())
    torch.set_num_threads(1)
    out = options.pop("out")
    run(Plan(**options), Shape(), out)


if __name__ == "__main__":
    main()
