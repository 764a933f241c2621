import { type ChildProcess, spawn } from 'node:child_process';
import { until } from './until.ts';

export type LogLine = Readonly<Record<string, unknown>> & { readonly message?: string };

/** A Node.js process under test, with its log lines. */
export interface Child {
  readonly process: ChildProcess;
  /** The JSON lines of standard output so far. */
  readonly lines: () => LogLine[];
  readonly stderr: () => string;
  /** How it ended: exit status, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Starts a Node.js script with only the environment given (and PATH). */
export function startChild(script: string, environment: Readonly<Record<string, string>> = {}): Child {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  return {
    process: child,
    lines: () =>
      out
        .split('\n')
        .slice(0, -1)
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as LogLine),
    stderr: () => err,
    ended: new Promise((resolve) => child.once('close', (status, signal) => resolve(signal ?? (status as number)))),
  };
}

/** Starts the gateway as its users do, on a free port; resolves when it is ready. */
export async function startGatewayProcess(environment: Readonly<Record<string, string>> = {}) {
  const main = new URL('../../apps/inference-gateway/dist/main.js', import.meta.url).pathname;
  const child = startChild(main, { PORT: '0', ...environment });
  const url = await until('the gateway to listen', () => {
    if (child.process.exitCode !== null) throw new Error(`the gateway ended: ${child.stderr()}`);
    return child.lines().find(({ message }) => message === 'gateway_listening')?.url as string | undefined;
  });
  await until('the gateway to be ready', async () => (await fetch(`${url}/ready`)).ok);
  return { ...child, url };
}
