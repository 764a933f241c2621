import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { Backend } from './backend.js';

/** A network on ONNX Runtime. Loading and running block the calling thread: use it in a worker. */
export async function createOnnxBackend(path: string, options: { readonly threads: number }): Promise<Backend> {
  const session = await InferenceSession.create(path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: options.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    // Threads that spin while they wait take the cores from the other workers.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  });
  const output = session.outputNames[0] as string;
  const wantsTypes = session.inputNames.includes('token_type_ids');
  return {
    executionProvider: 'cpu',
    async run({ rows, columns, inputIds, attentionMask }) {
      const shape = [rows, columns];
      const results = await session.run(
        {
          input_ids: new Tensor('int64', inputIds, shape),
          attention_mask: new Tensor('int64', attentionMask, shape),
          ...(wantsTypes ? { token_type_ids: new Tensor('int64', new BigInt64Array(rows * columns), shape) } : {}),
        },
        [output],
      );
      return (results[output] as Tensor).data as Float32Array;
    },
    close: () => session.release(),
  };
}
