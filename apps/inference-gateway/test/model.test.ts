import { createHash } from 'node:crypto';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSentences } from '../../../models/sentiment/sst.mjs';
import { find } from '../../../tests/support/servers.ts';
import { argmax } from '../src/domain/softmax.ts';
import { loadModel } from '../src/models/manifest.ts';
import { createTextClassifier, type TextClassifier } from '../src/models/text-classifier.ts';
import { createTokenizer, type Tokenize } from '../src/models/tokenizer.ts';
import { loadSentiment, modelFolder } from './support.ts';

let classifier: TextClassifier;
let tokenize: Tokenize;
beforeAll(async () => {
  const model = await loadSentiment();
  classifier = await createTextClassifier(model, { threads: 2 });
  tokenize = await createTokenizer(model);
});
afterAll(() => classifier.close());

const scoreOf = async (text: string) => (await classifier.classify([text])).classifications[0]?.scores[1] as number;

/** Punctuation that Unicode took up after the tables of the reference tokenizer were made; none has a token of its own. */
const YOUNG_PUNCTUATION = /[\u2e43-\u2e4f\u2e52-\u2e5d\u061d\u09fd\u0a76\u0c77\u0c84\u1b4e\u1b4f\u1b7d-\u1b7f]/;

describe('tokens', () => {
  test('odd and random strings give the reference tokenizer’s IDs', async () => {
    const { strings } = JSON.parse(await readFile(join(modelFolder, 'reference.json'), 'utf8')) as {
      strings: [string, number[]][];
    };
    const comparable = strings.filter(([text]) => !YOUNG_PUNCTUATION.test(text));
    expect(comparable.length).toBeGreaterThan(500);
    const { manifest } = await loadSentiment();
    for (const [text, ids] of comparable) {
      const kept = ids.length <= manifest.maxTokens ? ids : [...ids.slice(0, manifest.maxTokens - 1), ids.at(-1)];
      expect(tokenize(text).ids, JSON.stringify(text)).toEqual(kept);
    }
  });

  test('a long text is cut, keeps its last special token, and says so', () => {
    const long = tokenize('word '.repeat(1000));
    expect(long.truncated).toBe(true);
    expect(long.ids).toHaveLength(512);
    expect([long.ids[0], long.ids.at(-1)]).toEqual([101, 102]);
    expect(tokenize('word '.repeat(510)).truncated).toBe(false);
  });
});

const sst = find('sst');
describe.skipIf(sst === undefined)('on the Stanford Sentiment Treebank', () => {
  test.each(['dev', 'test'] as const)('token IDs equal the reference on every %s sentence', async (split) => {
    const { splits } = JSON.parse(await readFile(join(modelFolder, 'reference.json'), 'utf8'));
    const sentences = readSentences(sst as string, split);
    const lines = sentences.map(({ text }) => `${tokenize(text).ids.join(' ')}\n`).join('');
    expect(sentences).toHaveLength(splits[split].sentences);
    expect(createHash('sha256').update(lines).digest('hex')).toBe(splits[split].sha256);
  });

  test('accuracy on the dev sentences is what the model card says', async () => {
    const sentences = readSentences(sst as string, 'dev').filter(({ label }) => label !== 2);
    expect(sentences).toHaveLength(872);
    let right = 0;
    for (const { text, label } of sentences) {
      const [classification] = (await classifier.classify([text])).classifications;
      if (argmax(classification?.scores ?? []) === Number(label > 2)) right++;
    }
    expect(right / sentences.length).toBeGreaterThanOrEqual(0.895);
  }, 60_000);
});

describe('verdicts', () => {
  test.each([
    ['A thoughtful, moving film.', true],
    ['A thoughtless, boring film.', false],
    ['I did not like it at all.', false],
    ['Not bad, actually quite good.', true],
    ['Worst purchase I have ever made. Broke after one day.', false],
    ['Absolutely love these headphones!', true],
  ])('%s', async (text, positive) => {
    expect((await scoreOf(text)) > 0.5).toBe(positive);
  });

  test('a batch of unlike lengths scores as each text alone, but for quantization', async () => {
    const texts = [
      'Great.',
      'A long and winding story that never quite finds out what it wants to tell us, and yet it charms.',
      'Bad!',
    ];
    const together = (await classifier.classify(texts)).classifications.map(({ scores }) => scores[1] as number);
    for (const [i, text] of texts.entries())
      expect(Math.abs((together[i] as number) - (await scoreOf(text)))).toBeLessThan(0.1);
  });

  test('scores sum to 1 on any input', async () => {
    for (const text of ['x', '😀', '中文', 'a'.repeat(5000), '\u0000', '?'.repeat(3000)]) {
      const { scores } = (await classifier.classify([text])).classifications[0] as { scores: readonly number[] };
      expect(scores.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    }
  });
});

describe('a model folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'model-'));
    for (const name of ['manifest.json', 'model.onnx', 'model.onnx.data', 'tokenizer.json', 'tokenizer_config.json']) {
      await copyFile(join(modelFolder, name), join(folder, name));
    }
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('that is damaged, incomplete or absent is refused with a sentence', async () => {
    await truncate(join(folder, 'model.onnx.data'), 1000);
    await expect(loadModel(folder)).rejects.toThrow(/model\.onnx\.data is damaged: its SHA-256 is/);
    await rm(join(folder, 'tokenizer.json'));
    await expect(loadModel(folder)).rejects.toThrow(/cannot be read|is damaged/);
    await writeFile(join(folder, 'manifest.json'), '{"id":"../x"}');
    await expect(loadModel(folder)).rejects.toThrow(/not a valid manifest/);
    await writeFile(join(folder, 'manifest.json'), '{');
    await expect(loadModel(folder)).rejects.toThrow(/not valid JSON/);
    await expect(loadModel(join(folder, 'nowhere'))).rejects.toThrow(/There is no model in .*Set MODEL_DIR/);
  });
});
