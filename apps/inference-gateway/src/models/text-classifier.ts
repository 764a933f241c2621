import { join } from 'node:path';
import { monotonic } from '@throughline/sdk/worker';
import type { Model } from '../domain/model.js';
import type { Classification, WorkerTimes } from '../domain/prediction.js';
import { softmax } from '../domain/softmax.js';
import { createOnnxBackend } from './backends/onnx.js';
import { createTokenizer, padBatch } from './tokenizer.js';

export interface TextClassifier {
  readonly executionProvider: string;
  classify(texts: readonly string[]): Promise<{ classifications: Classification[]; times: WorkerTimes }>;
  close(): Promise<void>;
}

/** Tokenizer and network of a model folder as one. It blocks the calling thread while it works. */
export async function createTextClassifier(
  model: Model,
  options: { readonly threads: number },
): Promise<TextClassifier> {
  const { files, labels, temperature } = model.manifest;
  const tokenize = await createTokenizer(model);
  const backend = await createOnnxBackend(join(model.folder, files.model.path), options);
  return {
    executionProvider: backend.executionProvider,
    async classify(texts) {
      const startedAt = monotonic();
      const tokenized = texts.map(tokenize);
      const tokenizedAt = monotonic();
      const batch = padBatch(tokenized);
      const forwardStartedAt = monotonic();
      const logits = await backend.run(batch);
      const forwardEndedAt = monotonic();
      const classifications = tokenized.map(({ ids, truncated }, row) => ({
        scores: softmax(logits.subarray(row * labels.length, (row + 1) * labels.length), temperature),
        tokens: ids.length,
        truncated,
      }));
      return {
        classifications,
        times: { startedAt, tokenizedAt, forwardStartedAt, forwardEndedAt, endedAt: monotonic() },
      };
    },
    close: () => backend.close(),
  };
}
