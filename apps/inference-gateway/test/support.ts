import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadModel } from '../src/models/manifest.ts';

export const modelFolder = new URL('../../../models/sentiment', import.meta.url).pathname;
export const workerEntry = new URL('../dist/workers/entry.js', import.meta.url);
export const loadSentiment = () => loadModel(modelFolder);

const BRACKETS: Readonly<Record<string, string>> = {
  '-LRB-': '(',
  '-RRB-': ')',
  '-LSB-': '[',
  '-RSB-': ']',
  '-LCB-': '{',
  '-RCB-': '}',
};

export interface Sentence {
  readonly text: string;
  /** 0 to 4, very negative to very positive. */
  readonly label: number;
}

/** Sentences of the Stanford Sentiment Treebank, in the treebank's spelling. */
export function readSst(folder: string, split: 'dev' | 'test'): Sentence[] {
  const lines = readFileSync(join(folder, `${split}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.map((line) => {
    const words = [...line.matchAll(/ ([^\s()]+)\)/g)].map(([, word]) =>
      (word as string).replaceAll('\\/', '/').replaceAll('\\*', '*'),
    );
    return { text: words.map((word) => BRACKETS[word] ?? word).join(' '), label: Number(line[1]) };
  });
}
