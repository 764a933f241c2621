import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** @type {Readonly<Record<string, string>>} */
const BRACKETS = { '-LRB-': '(', '-RRB-': ')', '-LSB-': '[', '-RSB-': ']', '-LCB-': '{', '-RCB-': '}' };

/** @param {string} word */
const restore = (word) => BRACKETS[word] ?? word.replaceAll('\\/', '/').replaceAll('\\*', '*');

/**
 * Sentences of the Stanford Sentiment Treebank in the treebank's spelling, with labels 0 (very negative) to 4.
 *
 * @param {string} folder with `dev.txt` and `test.txt`, a labelled tree a line
 * @param {'dev' | 'test'} split
 */
export function readSentences(folder, split) {
  const lines = readFileSync(join(folder, `${split}.txt`), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines.map((line) => ({
    label: Number(line[1]),
    text: [...line.matchAll(/ ([^\s()]+)\)/g)].map(([, word]) => restore(/** @type {string} */ (word))).join(' '),
  }));
}
