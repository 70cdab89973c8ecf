import { wordFilter } from '../lists/matches';

/** Whether typed text is meant as an expression rather than as a name to search for. */
export function looksLikeExpression(text: string): boolean {
  const typed = text.trim();
  if (/[({[]/.test(typed)) return true;
  return /^\S+ *(?:[-+*/%^]|[=!<>]=|[<>]|\b(?:and|or|unless|atan2)\b) *\S+/.test(typed) && !/^\S+-\S+$/.test(typed);
}

/**
 * The names that contain all typed words. Those that begin with the text come first, then those where each typed word
 * begins a word; shorter ones before longer.
 */
export function searchNames(names: readonly string[], typed: string, limit: number): string[] {
  const text = typed.trim().toLowerCase();
  if (text === '') return [];
  const matches = wordFilter(text);
  const words = text.split(/\s+/);
  const rank = (name: string) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(text)) return 0;
    return words.every((word) => lower.startsWith(word) || lower.includes(`_${word}`)) ? 1 : 2;
  };
  return names
    .filter(matches)
    .sort((a, b) => rank(a) - rank(b) || a.length - b.length)
    .slice(0, limit);
}
