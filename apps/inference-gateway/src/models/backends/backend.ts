/** Token IDs of a batch, padded to one length, row by row. */
export interface TokenBatch {
  readonly rows: number;
  readonly columns: number;
  readonly inputIds: BigInt64Array;
  readonly attentionMask: BigInt64Array;
}

/** A loaded network: token IDs in, logits out. */
export interface Backend {
  readonly executionProvider: string;
  /** @returns logits, `rows` × number of labels, row by row. */
  run(batch: TokenBatch): Promise<Float32Array>;
  close(): Promise<void>;
}
