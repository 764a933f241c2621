import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const sdk = 'packages/sdk/src';
const gateway = 'apps/inference-gateway/src';

const forbidden = [
  [`${sdk}/catalog/x.ts`, '../context/ids.js'],
  [`${sdk}/catalog/x.ts`, 'node:fs'],
  [`${sdk}/redaction/x.ts`, '@opentelemetry/api'],
  [`${sdk}/context/x.ts`, '../tracing/tracing.js'],
  [`${sdk}/propagation/x.ts`, '../logging/logger.js'],
  [`${sdk}/logging/x.ts`, '../metrics/metrics.js'],
  [`${sdk}/metrics/x.ts`, '../logging/logger.js'],
  [`${sdk}/tracing/x.ts`, '../http-server/http-requests.js'],
  [`${sdk}/inference/x.ts`, '../start.js'],
  ['packages/middleware/src/x.ts', '@throughline/sdk/catalog'],
  ['packages/middleware/src/x.ts', '../../sdk/src/start.js'],
  [`${gateway}/domain/x.ts`, '@throughline/sdk'],
  [`${gateway}/domain/x.ts`, '../stages/format.js'],
  [`${gateway}/stages/x.ts`, 'node:fs'],
  [`${gateway}/stages/x.ts`, 'express'],
  [`${gateway}/stages/x.ts`, '../workers/pool.js'],
  [`${gateway}/workers/x.ts`, '../models/text-classifier.js'],
  [`${gateway}/workers/x.ts`, 'onnxruntime-node'],
  [`${gateway}/workers/entry.ts`, '@throughline/sdk'],
  [`${gateway}/models/x.ts`, 'onnxruntime-node'],
  [`${gateway}/models/x.ts`, '../workers/pool.js'],
  [`${gateway}/http/x.ts`, '../models/manifest.js'],
  [`${gateway}/http/routes/x.ts`, '../../workers/pool.js'],
] as const;

const allowed = [
  [`${sdk}/tracing/x.ts`, '../propagation/headers.js'],
  [`${gateway}/stages/x.ts`, '../domain/softmax.js'],
  [`${gateway}/stages/x.ts`, '@throughline/sdk'],
  [`${gateway}/workers/entry.ts`, '../models/text-classifier.js'],
  [`${gateway}/models/backends/onnx.ts`, 'onnxruntime-node'],
  [`${gateway}/http/x.ts`, '@throughline/middleware/express'],
  [`${gateway}/gateway.ts`, './workers/pool.js'],
] as const;

const files = [
  ...[...forbidden, ...allowed].map(([file, source]) => ({ file, text: `export { used } from '${source}';\n` })),
  { file: `${gateway}/http/prints.ts`, text: 'export const used = console.log(1);\n' },
  { file: `${gateway}/jobs/exits.ts`, text: 'export const used = process.exit(1);\n' },
];

/** Complaints of the linter about file number i, were it in its room. */
let complaints: string[];

beforeAll(() => {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
  complaints = files.map(({ file, text }) => {
    const folder = mkdtempSync(join(tmpdir(), 'fence-'));
    copyFileSync(join(root, 'biome.json'), join(folder, 'biome.json'));
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
    const { stdout, stderr } = spawnSync(process.execPath, [biome, 'lint'], { cwd: folder, encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    return `${stdout}${stderr}`;
  });
});

test.each(forbidden.map(([file, source], i) => [file, source, i] as const))(
  '%s may not import %s',
  (_file, _source, i) => {
    expect(complaints[i]).toContain('noRestrictedImports');
  },
);

test.each(allowed.map(([file, source], i) => [file, source, forbidden.length + i] as const))(
  '%s may import %s',
  (_file, _source, i) => {
    expect(complaints[i]).toContain('Checked 2 files');
    expect(complaints[i]).not.toContain('noRestrictedImports');
  },
);

test('only main, config and the worker entry touch the process; nothing prints', () => {
  expect(complaints.at(-2)).toContain('noConsole');
  expect(complaints.at(-1)).toContain('noRestrictedGlobals');
});
