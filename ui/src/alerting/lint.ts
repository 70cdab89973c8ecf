import type { LintFinding } from '../api/alerting';

const SEVERITIES: readonly LintFinding['severity'][] = ['error', 'warning', 'info'];

/** Findings of lint, the worst first; those of a severity stay in their order. */
export function worstFirst(findings: readonly LintFinding[]): LintFinding[] {
  return findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
