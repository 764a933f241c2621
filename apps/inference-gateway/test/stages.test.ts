import { CodedError } from '@throughline/sdk';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { argmax, softmax } from '../src/domain/softmax.ts';
import { formatAnswer, sumTimings } from '../src/stages/format.ts';
import { parseText } from '../src/stages/validate.ts';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return 'none';
};

describe('validation', () => {
  test.each([
    [null, 'invalid_request'],
    ['text', 'invalid_request'],
    [['a'], 'invalid_request'],
    [7, 'invalid_request'],
    [{}, 'invalid_text'],
    [{ txt: 'a' }, 'invalid_text'],
    [{ text: null }, 'invalid_text'],
    [{ text: 7 }, 'invalid_text'],
    [{ text: ['a'] }, 'invalid_text'],
    [{ text: { toString: 'a' } }, 'invalid_text'],
    [{ text: '' }, 'invalid_text'],
    [{ text: ' \n\t\u3000' }, 'invalid_text'],
    [Object.create({ text: 'inherited' }), 'invalid_text'],
    [{ text: 'x'.repeat(11) }, 'text_too_long'],
    [{ text: 'x'.repeat(10) }, 'none'],
  ])('%j → %s', (body, code) => {
    expect(codeOf(() => parseText(body, 10))).toBe(code);
  });

  test('half a surrogate pair becomes the replacement character', () => {
    expect(parseText({ text: 'a\ud800b' }, 10)).toBe('a\ufffdb');
  });
});

describe('formatting', () => {
  test('the answer names the best label and all scores', () => {
    const answer = formatAnswer(
      { scores: [0.25, 0.75], tokens: 5, truncated: false },
      { id: 'm', version: '2', labels: ['NO', 'YES'] },
      { requestId: 'r', correlationId: 'c', traceId: 't' },
    );
    expect(answer).toEqual({
      label: 'YES',
      score: 0.75,
      scores: { NO: 0.25, YES: 0.75 },
      model: 'm',
      version: '2',
      request_id: 'r',
      correlation_id: 'c',
      trace_id: 't',
      tokens: 5,
      truncated: false,
    });
  });

  test('the parts of the timings sum to the total', () => {
    const { total, ...parts } = sumTimings({
      validate: 0.1234567,
      queue: 1.00049,
      tokenize: 0.3,
      inference: 2.7,
      transfer: -0.0001,
      format: 0.05,
    });
    expect(Object.values(parts).reduce((a, b) => a + b)).toBeCloseTo(total, 9);
    expect(parts.transfer).toBe(0);
  });
});

test('softmax is a distribution, stays finite, and a higher temperature makes it less certain', () => {
  expect(softmax([1000, -1000])).toEqual([1, 0]);
  expect(softmax([0, 0])).toEqual([0.5, 0.5]);
  expect(softmax([2, 0], 2)[0]).toBeLessThan(softmax([2, 0])[0] as number);
  expect(argmax([0.1, 0.7, 0.2])).toBe(1);
});

describe('configuration', () => {
  test('defaults hold, empty means not set, numbers are read', () => {
    expect(parseConfig({})).toMatchObject({ HOST: '127.0.0.1', PORT: 8000, MAX_TEXT_LENGTH: 10_000 });
    expect(parseConfig({ PORT: '', MAX_QUEUE: ' 7 ' })).toMatchObject({ PORT: 8000, MAX_QUEUE: 7 });
    expect(Object.isFrozen(parseConfig({}))).toBe(true);
  });

  test.each([
    ['PORT', '70000'],
    ['PORT', '80.5'],
    ['WORKERS', '0'],
    ['WORKERS', 'many'],
    ['MAX_BODY_BYTES', '-1'],
  ])('a wrong %s (%s) is refused with its name and value', (name, value) => {
    expect(() => parseConfig({ [name]: value })).toThrow(`${name} is "${value}"`);
  });
});
