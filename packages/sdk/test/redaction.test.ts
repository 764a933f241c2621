import { redact, redactText } from '@throughline/sdk';
import { expect, test } from 'vitest';
import { startQuietly } from './support.ts';

const HIDDEN = '[redacted]';

test('values under telling names are hidden at any depth', () => {
  const value = {
    user: { name: 'Ada', email: 'ada@example.org', profile: { password: 'hunter2', phoneNumber: '555' } },
    headers: { Authorization: 'Bearer abc', cookie: 'sid=1', 'x-api-key': 'k' },
    list: [{ accessToken: 't', pin: 1234 }],
    tokens: 12,
    max_length: 3,
  };
  expect(redact(value)).toEqual({
    user: { name: 'Ada', email: HIDDEN, profile: { password: HIDDEN, phoneNumber: HIDDEN } },
    headers: { Authorization: HIDDEN, cookie: HIDDEN, 'x-api-key': HIDDEN },
    list: [{ accessToken: HIDDEN, pin: HIDDEN }],
    tokens: 12,
    max_length: 3,
  });
});

test.each([
  ['bearer token', 'sent Authorization: Bearer abcdef123456789', 'abcdef123456789'],
  ['JWT', 'got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', 'eyJzdWIiOiIxIn0'],
  ['mail address', 'from ada.lovelace@example.org today', 'ada.lovelace'],
  ['card number', 'paid with 4111 1111 1111 1111', '4111 1111'],
  ['key in a URL', 'GET https://x.test/a?api_key=s3cr3tvalue&b=1', 's3cr3tvalue'],
  ['password in a URL', 'redis://user:hunter22@cache:6379/0', 'hunter22'],
  ['cloud key', 'AKIAIOSFODNN7EXAMPLE', 'IOSFODNN7'],
  ['private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', 'MIIE'],
])('a %s is hidden wherever it stands', (_, text, secret) => {
  expect(redactText(text)).not.toContain(secret);
  expect(redactText(text)).toContain(HIDDEN);
});

test('numbers and words that are no secrets stay', () => {
  for (const text of ['order 1234567890123456', 'a plain sentence.', '4.5 of 5 @ noon', '2026-11-21T08:33:32.575Z']) {
    expect(redactText(text)).toBe(text);
  }
});

test('cycles, depth and size are bounded', () => {
  const loop: Record<string, unknown> = { name: 'loop' };
  loop.self = loop;
  expect(redact(loop)).toEqual({ name: 'loop', self: '[circular]' });
  let deep: unknown = 'bottom';
  for (let i = 0; i < 100; i++) deep = { deep };
  expect(JSON.stringify(redact(deep))).toContain('[cut]');
  expect((redact(Array.from({ length: 1e5 }, (_, i) => i)) as unknown[]).length).toBeLessThanOrEqual(2000);
});

test('a long hostile text is searched in linear time', () => {
  for (const text of [
    '@'.repeat(1e5),
    'a.'.repeat(5e4),
    `${'a'.repeat(1e5)}@`,
    '1 '.repeat(5e4),
    'token=token='.repeat(1e4),
    'eyJ'.repeat(3e4),
    '://'.repeat(3e4),
  ]) {
    const started = process.cpuUsage();
    redactText(text);
    const { user } = process.cpuUsage(started);
    expect(user).toBeLessThan(2e6);
  }
});

test('log lines, messages, errors and child loggers go through the policy', async () => {
  const telemetry = startQuietly();
  telemetry.log.info({ user: { password: 'hunter2' } }, 'token=hunter2');
  telemetry.log.error(new Error('refused: Bearer hunter2hunter2', { cause: new Error('password=hunter2') }));
  telemetry.log.child({ api_key: 'hunter2' }).child({ token: 'hunter2' }).warn('child');
  telemetry.log.info('mail %s', 'hunter2@example.org');
  const request = telemetry.http.open({
    method: 'GET',
    path: '/reset/hunter2@example.org',
    headers: {},
    endpoint: () => '/reset/:mail',
  });
  request.record.error = new Error('secret=hunter2');
  request.close({ status: 500, aborted: false });
  expect(telemetry.lines.length).toBeGreaterThanOrEqual(6);
  expect(JSON.stringify(telemetry.lines)).not.toContain('hunter2');
  await telemetry.shutdown();
});
