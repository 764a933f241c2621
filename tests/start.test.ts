import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isInstalled } from '../scripts/set-up.mjs';
import { freePorts } from './support/trace-backends.ts';
import { until } from './support/until.ts';

const root = join(import.meta.dirname, '..');

// Without the watch in scripts/start.mjs the gateway went on, an orphan that held the port.
test('npm start serves, says what to try, and stops in order when npm is told to end', async () => {
  // Else npm start would install anew, under the running tests.
  expect(isInstalled(), 'packages are not those of the lock file: use npm test').toBe(true);
  const [port] = await freePorts(1);
  const npm = spawn('npm', ['start'], {
    cwd: root,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  npm.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  npm.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const closed = new Promise((resolve) => npm.once('close', resolve));
  await until('the gateway to be ready', () => err.includes('Throughline is ready'), 60_000);
  expect(err).toContain(`curl -s http://127.0.0.1:${port}/predict`);
  npm.kill('SIGTERM');
  await closed;
  expect(out).toContain('"message":"gateway_stopped"');
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
}, 90_000);
