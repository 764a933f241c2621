"""The Stanford Sentiment Treebank, as labelled trees, one sentence a line."""

import re
from pathlib import Path

TOKEN = re.compile(r"\(([0-4]) |([^\s()]+)|\)")
BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}


def nodes(line: str) -> list[tuple[int, str]]:
    """Every labelled phrase of one tree as (label 0..4, tokens joined by blanks), the whole sentence last."""
    found, open_nodes, words = [], [], []
    for match in TOKEN.finditer(line):
        label, word = match.groups()
        if label is not None:
            open_nodes.append((int(label), len(words)))
        elif word is not None:
            words.append(word.replace("\\/", "/").replace("\\*", "*"))
        else:
            label, start = open_nodes.pop()
            found.append((label, " ".join(words[start:])))
    if open_nodes:
        raise ValueError(f"unbalanced tree: {line[:80]}")
    return found


def trees(folder: Path, split: str) -> list[list[tuple[int, str]]]:
    """All trees of a split (`train`, `dev` or `test`)."""
    lines = (folder / f"{split}.txt").read_text(encoding="utf-8").splitlines()
    return [nodes(line) for line in lines if line.strip()]


def training_trees(folder: Path) -> list[list[tuple[int, str]]]:
    """The trees to train on. Some copies of the data repeat the dev sentences in `train.txt`: whatever
    stands in dev or test is taken out, or the accuracy would be measured on what was learnt."""
    held_out = {tree[-1][1].lower() for split in ("dev", "test") for tree in trees(folder, split)}
    kept = [tree for tree in trees(folder, "train") if tree[-1][1].lower() not in held_out]
    return [[node for node in tree if node[1].lower() not in held_out] for tree in kept]


def binary_sentences(folder: Path, split: str) -> list[tuple[str, int]]:
    """SST-2: whole sentences in treebank spelling, neutral ones dropped, 0 = negative, 1 = positive."""
    roots = (tree[-1] for tree in trees(folder, split))
    return [(treebank(text), int(label > 2)) for label, text in roots if label != 2]


def treebank(text: str) -> str:
    """The spelling of the data set, brackets restored: `it 's ( really ) good .`"""
    return " ".join(BRACKETS.get(token, token) for token in text.split())


def plain(text: str) -> str:
    """The spelling people use: `it's (really) good.`"""
    text = treebank(text)
    text = text.replace("`` ", '"').replace(" ''", '"').replace("``", '"').replace("''", '"')
    text = re.sub(r" (n't|'(?:s|m|d|re|ve|ll))\b", r"\1", text)
    text = re.sub(r" ([.,;:!?%)\]}])", r"\1", text)
    text = re.sub(r"([(\[{$]) ", r"\1", text)
    return text.replace(" -- ", " – ")
