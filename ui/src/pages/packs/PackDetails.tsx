import { UnstyledButton } from '@mantine/core';
import type { CheckedTarget, CheckFinding, Pack, PackFinding } from '../../api/packs';
import { formatCount, plural } from '../../format/value';
import { PageLink } from '../../nav/links';
import { useNow } from '../../nav/useNow';
import { VerdictBadge } from '../../states/VerdictBadge';
import { formatAgo } from '../../time/duration';
import { targetsCodec } from '../../url/pages';
import { TypeBadge } from '../metrics/TypeBadge';
import { MetricPromise } from './MetricPromise';
import classes from './packs.module.css';
import { type Checked, checkedBy, countText } from './verdicts';

/** So many targets are listed, the worst first. */
const MOST_TARGETS = 50;

interface PackDetailsProps {
  pack: Pack;
  targets: readonly CheckedTarget[];
  /** The metric whose details are open. */
  metric: string;
  onMetric(name: string): void;
}

/** A pack: what its targets lack, its metrics, its alerts, and what lint says. */
export function PackDetails({ pack, targets, metric, onMetric }: PackDetailsProps) {
  const checked = checkedBy(targets, pack.name);
  return (
    <>
      {pack.description !== '' && <p className={classes.text}>{pack.description}</p>}
      <p className={classes.source}>
        {pack.version}, {pack.builtIn ? 'comes with the program' : pack.file}
        {pack.namespace !== '' && `, ${pack.namespace}…`}
      </p>
      <Section title="Targets" count={checked.length} nothing="No target exposes anything of it.">
        {checked.slice(0, MOST_TARGETS).map((one) => (
          <TargetVerdict key={`${one.target.scrapePool}|${one.target.scrapeUrl}`} checked={one} />
        ))}
        {checked.length > MOST_TARGETS && (
          <li className="bw-dim">and {plural(checked.length - MOST_TARGETS, 'better one')}</li>
        )}
      </Section>
      <Section title="Metrics" count={pack.metrics.length} nothing="It has none.">
        {pack.metrics.map((one) => (
          <li key={one.name}>
            <UnstyledButton
              className={classes.metric}
              aria-expanded={one.name === metric}
              onClick={() => onMetric(one.name)}
            >
              <TypeBadge type={one.type} /> <code>{one.name}</code>
            </UnstyledButton>
            {one.name === metric && (
              <div className={classes.promise}>
                <MetricPromise pack={pack} metric={one} targets={targets} />
                <PageLink to="/metrics/$name" params={{ name: storedName(one) }}>
                  Look at what is stored
                </PageLink>
              </div>
            )}
          </li>
        ))}
      </Section>
      <Section title="Alerts" count={pack.alerts.length} nothing="It has none.">
        {pack.alerts.map((alert) => (
          <li key={alert.name}>
            <strong>{alert.name}</strong>{' '}
            <span className="bw-dim">
              {[alert.severity, alert.for && `after ${alert.for}`].filter(Boolean).join(', ')}
            </span>
            <code className={classes.condition}>{alert.when}</code>
          </li>
        ))}
      </Section>
      <Section title="Lint" count={pack.lint.length} nothing="Nothing is wrong with the pack itself.">
        {pack.lint.map((finding) => (
          <Finding key={`${finding.line}:${finding.column} ${finding.rule} ${finding.message}`} finding={finding} />
        ))}
      </Section>
    </>
  );
}

/** A histogram is stored as its parts. */
function storedName({ name, type }: { name: string; type: string }): string {
  return type === 'histogram' ? `${name}_bucket` : name;
}

interface SectionProps {
  title: string;
  count: number;
  nothing: string;
  children: React.ReactNode;
}

function Section({ title, count, nothing, children }: SectionProps) {
  return (
    <section aria-label={title}>
      <h3 className={classes.heading}>
        {title} <span className="bw-dim">{formatCount(count)}</span>
      </h3>
      {count === 0 ? <p className={classes.text}>{nothing}</p> : <ul className={classes.list}>{children}</ul>}
    </section>
  );
}

function TargetVerdict({ checked: { target, verdict } }: { checked: Checked }) {
  const now = useNow();
  const key = `${target.scrapePool}|${target.scrapeUrl}`;
  return (
    <li>
      <div className={classes.target}>
        <VerdictBadge verdict={verdict.verdict} text={countText(verdict)} />
        <PageLink to="/system/targets" search={targetsCodec.encode({ open: key })}>
          {target.scrapePool} {target.instance ?? target.scrapeUrl}
        </PageLink>
        <span className="bw-dim">{formatAgo(Math.max(0, now - Date.parse(target.checkedAt)))}</span>
      </div>
      {verdict.findings.length > 0 && (
        <ul className={classes.findings}>
          {verdict.findings.map((finding) => (
            <Finding key={`${finding.rule} ${finding.metric} ${finding.message}`} finding={finding} />
          ))}
        </ul>
      )}
    </li>
  );
}

function Finding({ finding }: { finding: PackFinding | CheckFinding }) {
  return (
    <li className={classes.finding}>
      <span className={classes.level} data-level={finding.level}>
        {finding.level}
      </span>{' '}
      {finding.message}; <span className="bw-dim">{finding.remedy}</span>{' '}
      <code className={classes.place}>
        {finding.file}:{finding.line}:{finding.column} [{finding.rule}]
      </code>
    </li>
  );
}
