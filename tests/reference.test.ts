import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  attributeNames,
  environmentCatalog,
  errorCatalog,
  eventNames,
  logFields,
  metricCatalog,
  spanNames,
} from '@throughline/sdk/catalog';
import { expect, test } from 'vitest';
import { referencePath, renderReference } from '../scripts/generate.mjs';

const root = join(import.meta.dirname, '..');
const sources = ['packages', 'apps']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) => join(folder, path)),
  )
  .filter((path) => /\/src\/.*\.ts$/.test(path) && !/node_modules|\/catalog\//.test(path))
  .map((path) => readFileSync(join(root, path), 'utf8'))
  .join('\n');

test('docs/reference.md is what the catalog says; `npm run generate` makes it so', () => {
  expect(readFileSync(referencePath, 'utf8')).toBe(renderReference());
});

test.each([
  ['metricCatalog', metricCatalog],
  ['attributeNames', attributeNames],
  ['spanNames', spanNames],
  ['eventNames', eventNames],
  ['logFields', logFields],
] as const)('every entry of %s is used', (name, entries) => {
  const dead = Object.keys(entries).filter((key) => !sources.includes(`${name}.${key}`));
  expect(dead).toEqual([]);
});

test('every error code is raised somewhere, and every variable read', () => {
  expect(Object.keys(errorCatalog).filter((code) => !sources.includes(`'${code}'`))).toEqual([]);
  // Read by OpenTelemetry's resource detector and its exporters.
  const theirs = ['OTEL_RESOURCE_ATTRIBUTES'];
  expect(
    Object.keys(environmentCatalog).filter((name) => !theirs.includes(name) && !sources.includes(`'${name}'`)),
  ).toEqual([]);
  const read = [...sources.matchAll(/'((?:OTEL|THROUGHLINE)_[A-Z_]+)'/g)].map(([, name]) => name as string);
  expect(read.filter((name) => !(name in environmentCatalog))).toEqual([]);
});

test('names of metrics are written in the catalog only', () => {
  for (const { name } of Object.values(metricCatalog)) expect(sources).not.toContain(`'${name}'`);
});
