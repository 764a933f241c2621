// Measures the embedded model through the gateway's own tokenizer and runtime:
//   node models/sentiment/evaluate.mjs --data <folder with dev.txt and test.txt of the Stanford Sentiment Treebank>
// Without --data only the probes are run. Build first (npm run build).
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel } from '../../apps/inference-gateway/dist/models/manifest.js';
import { createTextClassifier } from '../../apps/inference-gateway/dist/models/text-classifier.js';
import { createTokenizer } from '../../apps/inference-gateway/dist/models/tokenizer.js';
import { readSentences } from './sst.mjs';

const { values } = parseArgs({ options: { data: { type: 'string' } } });
const folder = import.meta.dirname;
const model = await loadModel(folder);
const classifier = await createTextClassifier(model, { threads: 1 });
const tokenize = await createTokenizer(model);

/** Positive score of a text, 0 to 1. */
const scoreOf = async (text) => (await classifier.classify([text])).classifications[0].scores[1];

/** Expected calibration error over ten bins of equal width, of the score of the predicted label. */
function calibrationError(judged) {
  let error = 0;
  for (let bin = 0; bin < 10; bin++) {
    const inside = judged.filter(({ confidence }) => confidence > 0.5 + bin * 0.05 && confidence <= 0.55 + bin * 0.05);
    const mean = (pick) => inside.reduce((sum, item) => sum + pick(item), 0) / inside.length;
    if (inside.length > 0)
      error +=
        (inside.length / judged.length) *
        Math.abs(mean(({ right }) => Number(right)) - mean(({ confidence }) => confidence));
  }
  return error;
}

async function evaluateSplit(split) {
  const sentences = readSentences(values.data, split);
  const hash = createHash('sha256')
    .update(sentences.map(({ text }) => `${tokenize(text).ids.join(' ')}\n`).join(''))
    .digest('hex');
  const reference = JSON.parse(readFileSync(join(folder, 'reference.json'), 'utf8')).splits[split];
  const judged = [];
  const neutral = [];
  for (const { text, label } of sentences) {
    const score = await scoreOf(text);
    if (label === 2) neutral.push(score);
    else judged.push({ right: score > 0.5 === label > 2, confidence: Math.max(score, 1 - score) });
  }
  const accuracy = judged.filter(({ right }) => right).length / judged.length;
  console.log(
    `${split}: accuracy ${accuracy.toFixed(4)} on ${judged.length} sentences, calibration error ${calibrationError(judged).toFixed(4)}`,
  );
  console.log(
    `${split}: neutral sentences scored 0.25 to 0.75: ${neutral.filter((score) => score > 0.25 && score < 0.75).length} of ${neutral.length}`,
  );
  console.log(
    `${split}: token IDs of ${sentences.length} sentences ${hash === reference.sha256 ? 'equal' : 'DIFFER from'} the reference`,
  );
}

console.log(`${model.manifest.id} ${model.manifest.version}, temperature ${model.manifest.temperature}`);
if (values.data !== undefined) for (const split of ['dev', 'test']) await evaluateSplit(split);
for (const [kind, items] of Object.entries(JSON.parse(readFileSync(join(folder, 'probes.json'), 'utf8')))) {
  const wrong = [];
  for (const [text, label] of items) if ((await scoreOf(text)) > 0.5 !== (label === 1)) wrong.push(text);
  console.log(
    `${kind}: ${items.length - wrong.length} of ${items.length}${wrong.map((text) => `\n    wrong: ${text}`).join('')}`,
  );
}
await classifier.close();
