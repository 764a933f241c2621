/** Turns logits into scores that sum to 1. A temperature above 1 makes them less certain, below 1 more. */
export function softmax(logits: ArrayLike<number>, temperature = 1): number[] {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) highest = Math.max(highest, logits[i] as number);
  const scores: number[] = [];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const score = Math.exp(((logits[i] as number) - highest) / temperature);
    scores.push(score);
    sum += score;
  }
  return scores.map((score) => score / sum);
}

/** Index of the highest score. */
export function argmax(scores: readonly number[]): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] as number) > (scores[best] as number)) best = i;
  return best;
}
