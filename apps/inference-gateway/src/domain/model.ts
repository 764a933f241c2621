export interface ModelFile {
  readonly path: string;
  readonly sha256: string;
}

/** What a model folder says of itself in `manifest.json`. */
export interface Manifest {
  readonly id: string;
  readonly version: string;
  readonly task: 'text-classification';
  readonly labels: readonly string[];
  /** Most tokens the model reads, special ones included. */
  readonly maxTokens: number;
  /** Divides the logits before softmax, so that scores mean what they say. */
  readonly temperature: number;
  readonly files: {
    readonly model: ModelFile;
    /** The network's weights, where they are not inside `model`; found by it under this name. */
    readonly weights?: ModelFile | undefined;
    readonly tokenizer: ModelFile;
    readonly tokenizerConfig: ModelFile;
  };
}

/** A model folder whose files are there and whole. Plain data: it may cross to a worker. */
export interface Model {
  readonly folder: string;
  readonly manifest: Manifest;
}
