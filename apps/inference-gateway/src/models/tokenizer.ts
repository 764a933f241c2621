import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import type { Model } from '../domain/model.js';
import type { TokenBatch } from './backends/backend.js';

export interface TokenizedText {
  readonly ids: readonly number[];
  readonly truncated: boolean;
}

export type Tokenize = (text: string) => TokenizedText;

/** A tokenizer from the files of a model folder. Texts over the model's length lose their end, the last special token stays. */
export async function createTokenizer({ folder, manifest }: Model): Promise<Tokenize> {
  const read = async (path: string) => JSON.parse(await readFile(join(folder, path), 'utf8'));
  const tokenizer = new Tokenizer(
    await read(manifest.files.tokenizer.path),
    await read(manifest.files.tokenizerConfig.path),
  );
  return (text) => {
    // JavaScript lower-cases a sigma by its place in the word, the reference tokenizer letter by letter.
    const { ids } = tokenizer.encode(text.replaceAll('Σ', 'σ'));
    if (ids.length <= manifest.maxTokens) return { ids, truncated: false };
    return { ids: [...ids.slice(0, manifest.maxTokens - 1), ids.at(-1) as number], truncated: true };
  };
}

/** Puts texts of unlike length into one batch; the padding is masked. */
export function padBatch(texts: readonly TokenizedText[]): TokenBatch {
  const rows = texts.length;
  const columns = Math.max(...texts.map(({ ids }) => ids.length));
  const inputIds = new BigInt64Array(rows * columns);
  const attentionMask = new BigInt64Array(rows * columns);
  texts.forEach(({ ids }, row) => {
    ids.forEach((id, column) => {
      inputIds[row * columns + column] = BigInt(id);
      attentionMask[row * columns + column] = 1n;
    });
  });
  return { rows, columns, inputIds, attentionMask };
}
