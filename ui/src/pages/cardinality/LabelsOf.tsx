import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import type { Breakdown, LabelBreakdown, LabelChoice } from '../../api/cardinality';
import { formatCount, formatValue, plural } from '../../format/value';
import { CopyText } from '../../lists/CopyText';
import { useUrlState } from '../../nav/useUrlState';
import { cardinalityCodec } from '../../url/pages';
import { BarList } from './BarList';
import { Collision } from './Collision';
import classes from './cardinality.module.css';
import { isMetric } from './offender';
import { dropLabelOf } from './rules';

/** The labels of the series of an offender, those with the most values first. One can be opened. */
export function LabelsOf({ choice, data }: { choice: LabelChoice; data: Breakdown }) {
  const [{ label: opened }, set] = useUrlState(cardinalityCodec);
  if (choice.value === undefined) {
    const [own] = data.labels;
    return own === undefined ? null : <Values label={own} />;
  }
  if (data.labels.length === 0) return <p className="bw-note">None: it is a single series.</p>;
  return (
    <>
      {data.examinedSeries < data.total.series && (
        <p className="bw-note">Counted on the first {plural(data.examinedSeries, 'series', 'series')}.</p>
      )}
      <ul className={classes.labels}>
        {data.labels.map((label) => {
          const open = label.name === opened;
          return (
            <li key={label.name}>
              <UnstyledButton
                className={classes.label}
                aria-expanded={open}
                onClick={() => set({ label: open ? '' : label.name }, { replace: true })}
              >
                <IconChevronRight size={14} className={classes.chevron} aria-hidden="true" />
                <span className={classes.labelName}>{label.name}</span>
                <span className={classes.text}>{plural(label.values, 'value')}</span>
                <span className={classes.text}>{formatValue(label.memoryBytes, 'bytes')}</span>
              </UnstyledButton>
              {open && (
                <div className={classes.opened}>
                  {isMetric(choice) && <Without metric={choice.value ?? ''} label={label} data={data} />}
                  <Values label={label} />
                </div>
              )}
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Values({ label }: { label: LabelBreakdown }) {
  const [, set] = useUrlState(cardinalityCodec);
  const more = label.values - label.topValues.length;
  return (
    <>
      <BarList rows={label.topValues} onChoose={(value) => set({ of: { label: label.name, value }, label: '' })} />
      {more > 0 && <p className="bw-note">And {formatCount(more)} with as many series or fewer.</p>}
    </>
  );
}

/** What the metric would be without the label. */
function Without({ metric, label, data }: { metric: string; label: LabelBreakdown; data: Breakdown }) {
  const { distinctSeriesWithout: kept, memoryBytes } = label;
  return (
    <>
      {kept < data.examinedSeries ? (
        <Collision kept={kept} of={data.examinedSeries} />
      ) : (
        <p className={classes.saving}>
          The series differ without it, so this metric can lose it. Saves about{' '}
          <b>{formatValue(memoryBytes, 'bytes')}</b> of memory.
        </p>
      )}
      <CopyText text={dropLabelOf(metric, label.name)} label={`the rule for ${label.name}`} />
    </>
  );
}
