import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Manifest, Model, ModelFile } from '../domain/model.js';

const file = z.object({ path: z.string().regex(/^[\w.-]+$/), sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const manifestSchema: z.ZodType<Manifest> = z.object({
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/),
  version: z.string().regex(/^[\w.-]{1,32}$/),
  task: z.literal('text-classification'),
  labels: z.array(z.string().min(1).max(64)).min(2).max(1000),
  maxTokens: z.int().min(4).max(8192),
  temperature: z.number().positive(),
  files: z.object({ model: file, weights: file.optional(), tokenizer: file, tokenizerConfig: file }),
});

/** Reads a model folder and checks its files against their hashes; throws with a sentence that says what is wrong. */
export async function loadModel(folder: string): Promise<Model> {
  const path = join(folder, 'manifest.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new Error(`There is no model in ${folder}: manifest.json cannot be read. Set MODEL_DIR to a model folder.`);
  }
  const parsed = manifestSchema.safeParse(parseJson(text, path));
  if (!parsed.success) throw new Error(`${path} is not a valid manifest:\n${z.prettifyError(parsed.error)}`);
  const present = Object.values(parsed.data.files).filter((entry) => entry !== undefined);
  await Promise.all(present.map((entry) => checkFile(folder, entry)));
  return { folder, manifest: parsed.data };
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${path} is not valid JSON: ${(error as Error).message}`);
  }
}

async function checkFile(folder: string, { path, sha256 }: ModelFile): Promise<void> {
  const full = join(folder, path);
  const found = await hashFile(full).catch(() => {
    throw new Error(`The model file ${full} cannot be read.`);
  });
  if (found === sha256) return;
  throw new Error(`The model file ${full} is damaged: its SHA-256 is ${found}, the manifest says ${sha256}.`);
}

/** SHA-256 of a file, read through one buffer: read whole, a model would stay in memory until the next collection. */
async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  const handle = await open(path);
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}
