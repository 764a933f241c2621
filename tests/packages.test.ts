import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

// What users get: each package packed, installed into an empty project, and used there.

const root = join(import.meta.dirname, '..');
const packages = ['packages/sdk', 'packages/middleware'];
let project: string;

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'user-'));
  for (const folder of packages) run('npm', ['pack', '--silent', '--pack-destination', project], join(root, folder));
  const tarballs = readdirSync(project).filter((name) => name.endsWith('.tgz'));
  writeFileSync(join(project, 'package.json'), '{"name":"user","private":true}');
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/@opentelemetry/api/package.json'), 'utf8'));
  const wanted = [...tarballs.map((name) => `./${name}`), `@opentelemetry/api@${version}`];
  run(
    'npm',
    ['install', '--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', ...wanted],
    project,
  );
}, 120_000);
afterAll(() => rmSync(project, { recursive: true }));

const script = (imports: string): string => `${imports}
const { createServer } = require('node:http');
const lines = [];
const telemetry = startObservability({ service: 'user', guardProcess: false, logDestination: { write: (line) => lines.push(line) } });
const server = createServer(observe(telemetry, (request, response) => response.end('ok'), () => '/'));
server.listen(0, '127.0.0.1', async () => {
  const answer = await fetch('http://127.0.0.1:' + server.address().port, { headers: { 'x-request-id': 'packed' } });
  await answer.text();
  server.close();
  server.closeAllConnections();
  await telemetry.shutdown();
  console.log(answer.headers.get('x-request-id'), lines.filter((line) => line.includes('packed')).length);
});
`;

test('import works in an empty project', () => {
  const imports = `import { startObservability } from '@throughline/sdk';
import { observe } from '@throughline/middleware/http';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);`;
  writeFileSync(join(project, 'user.mjs'), script(imports));
  expect(run(process.execPath, ['user.mjs'], project)).toBe('packed 2\n');
});

test('require works as well', () => {
  const imports = `const { startObservability } = require('@throughline/sdk');
const { observe } = require('@throughline/middleware/http');`;
  writeFileSync(join(project, 'user.cjs'), script(imports));
  expect(run(process.execPath, ['--no-warnings', 'user.cjs'], project)).toBe('packed 2\n');
});

test('the packages hold what they need and nothing else', () => {
  for (const name of ['sdk', 'middleware']) {
    const files = readdirSync(join(project, 'node_modules/@throughline', name), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']));
    expect(files.filter((file) => /src|test|tsbuildinfo/.test(file))).toEqual([]);
  }
});

test('importing does nothing by itself', () => {
  const code = `const before = process.eventNames().length;
await import('@throughline/sdk');
await import('@throughline/middleware/express');
await import('@throughline/middleware/fastify');
console.log(process.eventNames().length - before, process.getActiveResourcesInfo().length);`;
  writeFileSync(join(project, 'inert.mjs'), code);
  expect(run(process.execPath, ['inert.mjs'], project)).toMatch(/^0 \d+\n$/);
});
