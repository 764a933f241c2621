import { CodedError } from '@throughline/sdk';

/**
 * Takes the text out of a request body.
 *
 * @throws CodedError `invalid_request`, `invalid_text` or `text_too_long`.
 */
export function parseText(body: unknown, longest: number): string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new CodedError('invalid_request', 'The body must be a JSON object such as {"text": "A moving film."}.');
  }
  const text: unknown = Object.hasOwn(body, 'text') ? (body as { text: unknown }).text : undefined;
  if (typeof text !== 'string') {
    const found =
      text === undefined
        ? 'missing'
        : text === null
          ? 'null'
          : Array.isArray(text)
            ? 'an array'
            : `of type ${typeof text}`;
    throw new CodedError('invalid_text', `\`text\` must be a string; it is ${found}.`);
  }
  if (text.length > longest) {
    throw new CodedError('text_too_long', `\`text\` has ${text.length} characters; at most ${longest} are read.`, {
      details: { length: text.length, limit: longest },
    });
  }
  if (text.trim() === '') throw new CodedError('invalid_text', '`text` is empty.');
  // Half a surrogate pair is not text; what stands for it is the replacement character.
  return text.toWellFormed();
}
