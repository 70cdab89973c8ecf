import type { PackFinding } from '../../api/packs';
import { Findings } from '../../states/Findings';

/** What is wrong with a pack itself. */
export function LintTab({ findings }: { findings: readonly PackFinding[] }) {
  if (findings.length === 0) return <p className="bw-text">Nothing is wrong with the pack itself.</p>;
  return (
    <Findings
      findings={findings.map(({ file, line, column, ...said }) => ({ ...said, place: `${file}:${line}:${column}` }))}
    />
  );
}
