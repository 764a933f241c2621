import { loadModel } from '../src/models/manifest.ts';

export const modelFolder = new URL('../../../models/sentiment', import.meta.url).pathname;
export const workerEntry = new URL('../dist/workers/entry.js', import.meta.url);
export const loadSentiment = () => loadModel(modelFolder);
