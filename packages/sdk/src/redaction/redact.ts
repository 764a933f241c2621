/**
 * One policy for log lines, span attributes and errors: values under telling names are hidden at any depth,
 * and strings are searched for things that must not leave the process wherever they stand.
 */

export const REDACTED = '[redacted]';

const SECRET_NAME =
  /password|passwd|passphrase|secret|authorization|credential|private[_-]?key|api[_-]?key|access[_-]?key|card[_-]?number|(?:token|jwt|iban|cvv|cvc|ssn)$|(?:^|[_-])(?:pwd|cookies?|session(?:[_-]?id)?|otp|pin|e?-?mail|phone(?:[_-]?number)?)$/i;
const CAMEL_BORDER = /([a-z0-9])([A-Z])/g;

const isSecretName = (name: string): boolean => SECRET_NAME.test(name.replace(CAMEL_BORDER, '$1_$2'));

const DETECTORS: readonly (readonly [RegExp, string | ((found: string) => string)])[] = [
  [/\b(Bearer|Basic|Token)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*/g, REDACTED],
  [/\b(?:sk|pk|rk)[-_](?:live|test|proj|ant)?[-_]?[A-Za-z0-9]{16,}\b/g, REDACTED],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\bgh[pousr]_[A-Za-z0-9]{20,}\b/g, REDACTED],
  [/\bxox[abposr]-[A-Za-z0-9-]{10,}/g, REDACTED],
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g, REDACTED],
  [/\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/@:]{0,256}:[^\s/@]{1,256}@/gi, `$1${REDACTED}@`],
  [
    /([?&;]|\b)((?:api[_-]?key|access[_-]?token|refresh[_-]?token|token|secret|password|passwd|pwd|signature|sig|x-amz-signature)\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s&;,]+)/gi,
    `$1$2${REDACTED}`,
  ],
  [/[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}/g, REDACTED],
  [/\b\d(?:[ -]?\d){12,18}\b/g, (found) => (isCardNumber(found) ? REDACTED : found)],
];

/** What a string must contain for any detector to find something; spares the search of most strings. */
const SUSPICIOUS =
  /[@=]|bearer|basic|token|eyJ|[sp]k[-_]|rk[-_]|AKIA|ASIA|gh[pousr]_|xox|BEGIN|key|secret|passw|pwd|sig|\d(?:[ -]?\d){12}/i;

function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** A text without the secrets and personal data that can be told from their form. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let clean = text;
  for (const [pattern, replacement] of DETECTORS) clean = clean.replace(pattern, replacement as string);
  return clean;
}

const DEEPEST = 8;
const MOST_ENTRIES = 2000;

interface Walk {
  readonly ancestors: object[];
  entriesLeft: number;
}

/** A copy of `value` with secrets hidden, bounded in depth and size; cycles are cut. */
export function redact(value: unknown): unknown {
  return redactWithin(value, { ancestors: [], entriesLeft: MOST_ENTRIES });
}

function redactWithin(value: unknown, walk: Walk): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date || ArrayBuffer.isView(value)) return value;
  if (value instanceof URL) return redactText(value.href);
  if (walk.ancestors.includes(value)) return '[circular]';
  if (walk.ancestors.length >= DEEPEST || walk.entriesLeft <= 0) return '[cut]';
  walk.ancestors.push(value);
  try {
    return redactObject(value, walk);
  } finally {
    walk.ancestors.pop();
  }
}

function redactObject(value: object, walk: Walk): unknown {
  if (value instanceof Error) return redactError(value, walk);
  if (value instanceof Map) return redactWithin(Object.fromEntries(value), walk);
  const list = value instanceof Set ? [...value] : value;
  if (Array.isArray(list)) {
    const kept = list.slice(0, Math.max(0, walk.entriesLeft));
    walk.entriesLeft -= kept.length;
    return kept.map((entry) => redactWithin(entry, walk));
  }
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return redactWithin((value as { toJSON(): unknown }).toJSON(), walk);
  }
  const clean: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (walk.entriesLeft-- <= 0) break;
    const entry = (value as Record<string, unknown>)[name];
    const hidden = entry !== undefined && entry !== null && isSecretName(name);
    clean[name] = hidden ? REDACTED : redactWithin(entry, walk);
  }
  return clean;
}

function redactError(error: Error, walk: Walk): Record<string, unknown> {
  return {
    ...(redactWithin({ ...error }, walk) as Record<string, unknown>),
    type: error.name,
    message: redactText(error.message),
    ...(error.stack === undefined ? {} : { stack: redactText(error.stack) }),
    ...(error.cause === undefined ? {} : { cause: redactWithin(error.cause, walk) }),
  };
}
