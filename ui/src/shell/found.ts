import { wordFilter } from '../lists/matches';

/** Whether typed text is meant as an expression rather than as a name to search for. */
export function looksLikeExpression(text: string): boolean {
  const typed = text.trim();
  if (/[({[]/.test(typed)) return true;
  return /^\S+ *(?:[-+*/%^]|[=!<>]=|[<>]|\b(?:and|or|unless|atan2)\b) *\S+/.test(typed) && !/^\S+-\S+$/.test(typed);
}

/** The names that contain all typed words; those that begin with the text come first, shorter ones before longer. */
export function searchNames(names: readonly string[], typed: string, limit: number): string[] {
  const text = typed.trim().toLowerCase();
  if (text === '') return [];
  const matches = wordFilter(text);
  const rank = (name: string) => (name.toLowerCase().startsWith(text) ? 0 : 1);
  return names
    .filter(matches)
    .sort((a, b) => rank(a) - rank(b) || a.length - b.length)
    .slice(0, limit);
}
