/** A filter of words that all have to occur, in any order and case. */
export function wordFilter(filter: string): (text: string) => boolean {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return (text) => {
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
}

/** The `limit` names nearest to a mistyped one: shared beginnings and words count most, then length. */
export function nearestNames(name: string, known: readonly string[], limit: number): string[] {
  const wanted = bigrams(name);
  return known
    .map((candidate) => ({ candidate, score: similarity(wanted, bigrams(candidate)) }))
    .filter(({ score }) => score > 0.35)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

function bigrams(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  const padded = ` ${text.toLowerCase()} `;
  for (let i = 0; i + 2 <= padded.length; i++) {
    const pair = padded.slice(i, i + 2);
    counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return counts;
}

/** Dice's coefficient: 1 for equal texts, 0 for texts that share no pair of letters. */
function similarity(a: Map<string, number>, b: Map<string, number>): number {
  let shared = 0;
  let total = 0;
  for (const [pair, count] of a) {
    shared += Math.min(count, b.get(pair) ?? 0);
    total += count;
  }
  for (const count of b.values()) total += count;
  return (2 * shared) / total;
}
