import type { ReactNode } from 'react';
import { RunbookLink, runbookPlace } from '../../alerting/Runbook';
import type {
  NamedExpression,
  PackAlert,
  PackDashboard,
  PackExpression,
  PackObjective,
  PackPanel,
} from '../../api/packs';
import { Part } from '../../panel/Panel';
import { QueryText } from '../../promql/QueryText';
import classes from './packs.module.css';

interface EntryProps {
  name: string;
  note: string;
  help: string;
  /** Where it is written what to do. */
  runbook?: string | null;
  children: ReactNode;
}

/** Something of a pack by its name, a few words about it, and what it asks. */
function Entry({ name, note, help, runbook, children }: EntryProps) {
  const place = runbookPlace(runbook);
  return (
    <li>
      <strong className={classes.entry}>{name}</strong> <span className="bw-dim">{note}</span>{' '}
      {place !== undefined && <RunbookLink place={place} of={name} />}
      {help !== '' && <p className="bw-text">{help}</p>}
      {children}
    </li>
  );
}

/** When somebody must be told. */
export function AlertsTab({ alerts }: { alerts: readonly PackAlert[] }) {
  if (alerts.length === 0) return <p className="bw-text">The pack has no alerts.</p>;
  return (
    <ul className={classes.list}>
      {alerts.map((alert) => (
        <Entry
          key={alert.name}
          name={alert.name}
          note={[alert.severity, alert.for === '0s' ? 'at once' : alert.for && `after ${alert.for}`]
            .filter(Boolean)
            .join(', ')}
          help={[alert.summary, alert.description].filter(Boolean).join('. ')}
          runbook={alert.runbook}
        >
          <Asked expr={alert.expr} label={alert.name} text={alert.when} />
        </Entry>
      ))}
    </ul>
  );
}

/** How much must be good. */
export function ObjectivesTab({ objectives }: { objectives: readonly PackObjective[] }) {
  if (objectives.length === 0) return <p className="bw-text">The pack has no objectives.</p>;
  return (
    <ul className={classes.list}>
      {objectives.map(({ name, help, objective, over, sli, expr, runbook }) => (
        <Entry key={name} name={name} note={`${objective} % over ${over}, by ${sli}`} help={help} runbook={runbook}>
          <Asked expr={expr} label={name} />
        </Entry>
      ))}
    </ul>
  );
}

/** Panels below their dashboards and rows. */
export function DashboardsTab({ dashboards }: { dashboards: readonly PackDashboard[] }) {
  if (dashboards.length === 0) return <p className="bw-text">The pack has no dashboards.</p>;
  return dashboards.map(({ title, panels }) => (
    <Part key={title} title={title} count={panels.length}>
      <ul className={classes.list}>
        {panels.map((panel) => (
          <PanelEntry key={`${panel.row} ${panel.title}`} panel={panel} />
        ))}
      </ul>
    </Part>
  ));
}

function PanelEntry({ panel: { title, row, help, exprs } }: { panel: PackPanel }) {
  return (
    <Entry name={title} note={row ?? ''} help={help}>
      {exprs.map((expr, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a panel may show a query twice, and its queries stay where they are
        <Asked key={place} expr={expr} label={title} />
      ))}
    </Entry>
  );
}

/** What alerts, panels and objectives are made of, and what the server computes. */
export function ExpressionsTab({
  expressions,
  recordings,
}: {
  expressions: readonly NamedExpression[];
  recordings: readonly PackExpression[];
}) {
  if (expressions.length + recordings.length === 0) {
    return <p className="bw-text">The pack has no expressions.</p>;
  }
  return (
    <>
      <ul className={classes.list}>
        {expressions.map(({ name, help, unit, expr }) => (
          <Entry key={name} name={name} note={unit ?? ''} help={help}>
            <Asked expr={expr} label={name} />
          </Entry>
        ))}
      </ul>
      {recordings.length > 0 && (
        <Part title="Recordings" count={recordings.length}>
          <ul className={classes.list}>
            {recordings.map(({ name, help, expr }) => (
              <Entry key={name} name={name} note="" help={help}>
                <Asked expr={expr} label={name} />
              </Entry>
            ))}
          </ul>
        </Part>
      )}
    </>
  );
}

/** A query, or that there is none. */
function Asked({ expr, label, text }: { expr: string | null; label: string; text?: string }) {
  if (expr === null) return <p className="bw-text">{text} (has no meaning; see Lint)</p>;
  return (
    <QueryText expr={expr} label={label}>
      {text ?? expr}
    </QueryText>
  );
}
