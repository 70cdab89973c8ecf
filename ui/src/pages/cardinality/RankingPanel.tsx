import { UnstyledButton } from '@mantine/core';
import type { LabelChoice } from '../../api/cardinality';
import { Panel } from '../../panel/Panel';
import classes from './cardinality.module.css';
import { type Ranking, sameChoice } from './offender';

interface RankingPanelProps {
  ranking: Ranking;
  open: LabelChoice | undefined;
  /** The row that the keyboard is on. */
  chosen: number | undefined;
  onOpen(choice: LabelChoice): void;
}

/** The largest of one kind; each opens its details. */
export function RankingPanel({ ranking: { title, note, rows }, open, chosen, onOpen }: RankingPanelProps) {
  const most = Math.max(1, ...rows.map(({ size }) => size));
  return (
    <Panel title={title} note={note} flush>
      {rows.length === 0 && <p className="bw-note">None.</p>}
      <ol className={classes.ranking}>
        {rows.map(({ choice, name, size, text, limit = '' }, index) => (
          <li key={`${name} ${limit}`} data-row data-chosen={chosen === index || undefined}>
            <UnstyledButton
              className={classes.row}
              aria-expanded={sameChoice(open, choice)}
              disabled={choice.value === ''}
              onClick={() => onOpen(choice)}
            >
              <span className={classes.size} style={{ width: `${(100 * size) / most}%` }} />
              <span className={classes.name} title={name}>
                {name === '' ? '(without a name)' : name}
              </span>
              <span className={classes.text}>{text}</span>
            </UnstyledButton>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
