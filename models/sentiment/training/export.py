"""Exports a trained model as int8 ONNX, calibrates its scores, and writes the model folder.

    python export.py --data <folder with dev.txt, test.txt> --fp32 build/fp32 --out ..
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from transformers import AutoTokenizer, BertForSequenceClassification

import sst

LABELS = ["NEGATIVE", "POSITIVE"]
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


def export_fp32(folder: Path, path: Path) -> None:
    model = BertForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
    example = {name: torch.ones(2, 8, dtype=torch.int64) for name in INPUTS}

    class Flat(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits

    axes = {name: {0: "batch", 1: "sequence"} for name in INPUTS} | {"logits": {0: "batch"}}
    torch.onnx.export(
        Flat(), tuple(example[name] for name in INPUTS), str(path),
        input_names=INPUTS, output_names=["logits"], dynamic_axes=axes, opset_version=17, dynamo=False,
    )


def logits_of(path: Path, tokenizer, texts: list[str]) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    out = []
    for text in texts:
        encoded = tokenizer(text, truncation=True, max_length=512, return_tensors="np")
        feed = {name: encoded[name].astype(np.int64) for name in INPUTS}
        out.append(session.run(["logits"], feed)[0][0])
    return np.array(out)


def probabilities(logits: np.ndarray, temperature: float) -> np.ndarray:
    scaled = logits / temperature
    scaled -= scaled.max(1, keepdims=True)
    return np.exp(scaled) / np.exp(scaled).sum(1, keepdims=True)


def calibration_error(logits: np.ndarray, labels: np.ndarray, temperature: float, bins: int = 10) -> float:
    """Expected calibration error over bins of equal width, of the score of the predicted label."""
    scores = probabilities(logits, temperature)
    confidence, right = scores.max(1), scores.argmax(1) == labels
    error, edges = 0.0, np.linspace(0.5, 1.0, bins + 1)
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the least expected calibration error, within 1 % of the least negative log-likelihood."""
    grid = np.arange(0.20, 4.0, 0.01)
    rows = np.arange(len(labels))
    losses = np.array([-np.log(probabilities(logits, t)[rows, labels] + 1e-12).mean() for t in grid])
    likely = grid[losses <= 1.01 * losses.min()]
    return round(float(min(likely, key=lambda t: calibration_error(logits, labels, t))), 2)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fp32", type=Path, default=Path("build/fp32"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent)
    parser.add_argument("--version", default="1.0.0")
    options = parser.parse_args()
    work = options.fp32.parent
    fp32, int8 = work / "fp32.onnx", work / "int8.onnx"
    export_fp32(options.fp32, fp32)
    quantize_dynamic(str(fp32), str(int8), per_channel=True, weight_type=QuantType.QInt8)
    model = onnx.load(str(int8))
    del model.metadata_props[:]
    model.doc_string = ""
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.save(model, str(int8))

    tokenizer = AutoTokenizer.from_pretrained(options.fp32)
    report: dict = {}
    kept = {}
    for split in ("dev", "test"):
        pairs = sst.binary_sentences(options.data, split)
        labels = np.array([label for _, label in pairs])
        for spelling, spell in (("treebank", lambda text: text), ("plain", sst.plain)):
            texts = [spell(text) for text, _ in pairs]
            for name, path in (("fp32", fp32), ("int8", int8)):
                kept[split, spelling, name] = (logits_of(path, tokenizer, texts), labels)
                report[f"{split}/{spelling}/{name}"] = round(float((kept[split, spelling, name][0].argmax(1) == labels).mean()), 4)
    # Fitted on dev; test says whether it holds.
    temperature = fit_temperature(*kept["dev", "treebank", "int8"])
    report["temperature"] = temperature
    for split in ("dev", "test"):
        logits, labels = kept[split, "treebank", "int8"]
        report[f"{split} calibration error"] = round(calibration_error(logits, labels, temperature), 4)
        report[f"{split} calibration error, uncalibrated"] = round(calibration_error(logits, labels, 1.0), 4)

    options.out.mkdir(parents=True, exist_ok=True)
    # Weights in a file of their own are mapped into memory instead of copied: 20 MB less in each worker.
    weights = "model.onnx.data"
    (options.out / weights).unlink(missing_ok=True)
    onnx.save(
        onnx.load(str(int8)), str(options.out / "model.onnx"),
        save_as_external_data=True, all_tensors_to_one_file=True, location=weights, size_threshold=1024,
    )
    for name in ("tokenizer.json", "tokenizer_config.json"):
        data = json.loads((options.fp32 / name).read_text())
        if name == "tokenizer.json":
            data["truncation"] = data["padding"] = None
        else:
            data = {k: v for k, v in data.items() if k in ("do_lower_case", "strip_accents", "tokenize_chinese_chars", "tokenizer_class", "model_max_length", "cls_token", "sep_token", "pad_token", "unk_token", "mask_token")}
            data["model_max_length"] = 512
        (options.out / name).write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
    manifest = {
        "id": "sentiment",
        "version": options.version,
        "task": "text-classification",
        "labels": LABELS,
        "maxTokens": 512,
        "temperature": temperature,
        "files": {
            key: {"path": name, "sha256": sha256(options.out / name)}
            for key, name in (("model", "model.onnx"), ("weights", weights), ("tokenizer", "tokenizer.json"), ("tokenizerConfig", "tokenizer_config.json"))
        },
    }
    (options.out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    report["bytes"] = {"fp32": fp32.stat().st_size, "int8": int8.stat().st_size}
    (options.out / "training" / "report.json").parent.mkdir(exist_ok=True)
    (options.out / "training" / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
