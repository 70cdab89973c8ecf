import { IconAlertTriangle } from '@tabler/icons-react';
import type { InvalidTarget } from '../../api/types';
import { plural } from '../../format/value';
import { Panel } from '../../panel/Panel';
import classes from './targets.module.css';

/** Targets that are configured in a way that cannot be scraped: where, and why. */
export function InvalidTargets({ targets }: { targets: readonly InvalidTarget[] }) {
  if (targets.length === 0) return null;
  return (
    <Panel title="Configured wrongly" note={plural(targets.length, 'target')} flush>
      <ul className={classes.invalid}>
        {targets.map(({ scrapePool, place, error }) => (
          <li key={`${scrapePool} ${place}`}>
            <IconAlertTriangle size={14} aria-hidden="true" />
            <span>
              <strong>{scrapePool}</strong> <span className="bw-dim">{place}</span> {error}
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
