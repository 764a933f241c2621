import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const whole = (fallback: number, least: number, most: number) =>
  z.coerce.number().int().min(least).max(most).default(fallback);

const configSchema = z.object({
  HOST: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  PORT: whole(8000, 0, 65_535).describe('Port to listen on; 0 takes any free one.'),
  MODEL_DIR: z
    .string()
    .min(1)
    .default(fileURLToPath(new URL('../../../models/sentiment', import.meta.url)))
    .describe('Folder of the model.'),
  WORKERS: whole(Math.min(2, availableParallelism()), 1, 64).describe('Worker threads, each with a model of its own.'),
  THREADS_PER_WORKER: whole(1, 1, 64).describe('Threads that one run of the model may use.'),
  MAX_QUEUE: whole(256, 1, 100_000).describe('Predictions that may wait; further ones are answered with 429.'),
  MAX_BODY_BYTES: whole(65_536, 256, 16_777_216).describe('Largest request body, unpacked.'),
  MAX_TEXT_LENGTH: whole(10_000, 1, 1_000_000).describe('Longest text, in characters.'),
  REQUEST_TIMEOUT_MS: whole(10_000, 10, 600_000).describe('Longest time for a prediction, waiting included.'),
  SHUTDOWN_TIMEOUT_MS: whole(20_000, 100, 600_000).describe(
    'Longest time for a shutdown; what is not done by then is cut.',
  ),
  SHUTDOWN_GRACE_MS: whole(250, 0, 60_000).describe('How long idle connections stay open once a shutdown has begun.'),
});

/** The gateway's settings. Those of logs, metrics and traces are the SDK's. */
export type Config = Readonly<z.infer<typeof configSchema>>;

export const configShape = configSchema.shape;

/** Reads settings from the environment; empty means not set. Throws with a sentence a setting that is wrong. */
export function parseConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.keys(configSchema.shape)
      .map((name) => [name, environment[name]?.trim()] as const)
      .filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = configSchema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const sentences = parsed.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    return `${name} is "${given[name]}": ${issue.message}.`;
  });
  throw new Error(`The configuration is wrong.\n${sentences.join('\n')}`);
}
