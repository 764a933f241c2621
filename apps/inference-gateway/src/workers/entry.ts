import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createTextClassifier } from '../models/text-classifier.js';
import type { FromWorker, ToWorker, WorkerData } from './protocol.js';

const port = parentPort as MessagePort;
const { model, threads } = workerData as WorkerData;
const send = (message: FromWorker): void => port.postMessage(message);

const before = process.memoryUsage.rss();
const classifier = await createTextClassifier(model, { threads });
// The first run prepares buffers and code; a request should not wait for that.
await classifier.classify(['warm up']);

port.on('message', async (message: ToWorker) => {
  switch (message.type) {
    case 'classify': {
      const { id, texts, context } = message;
      try {
        send({ type: 'classified', id, ...(await classifier.classify(texts)) });
      } catch (error) {
        const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
        send({ type: 'failed', id, context, error: { name, message, stack } });
      }
      return;
    }
    case 'stop':
      port.close();
      return classifier.close();
    default:
      return message satisfies never;
  }
});
send({
  type: 'ready',
  executionProvider: classifier.executionProvider,
  memory: { before, after: process.memoryUsage.rss() },
});
