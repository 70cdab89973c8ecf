import { useMemo, useRef, useState } from 'react';
import type { InstantSample, NativeHistogram, QueryResult } from '../../api/query';
import charts from '../../charts/charts.module.css';
import { formatExact, formatTabular, type Unit } from '../../format/value';
import { LabelText } from '../../labels/LabelText';
import { commonLabels, type Labels } from '../../labels/labels';
import { SortHeader, type SortState } from '../../lists/SortHeader';
import { SpacerRow } from '../../lists/SpacerRow';
import { useVirtualRows } from '../../lists/useVirtualRows';
import { formatMoment, type Zone } from '../../time/zone';
import classes from './explore.module.css';

const ROW_PX = 26;

interface ResultTableProps {
  result: QueryResult;
  name: string;
  unit: Unit;
  zone: Zone;
}

/** The answer to one instant query. */
export function ResultTable({ result, name, unit, zone }: ResultTableProps) {
  switch (result.type) {
    case 'vector':
      return <SampleTable samples={result.samples} name={name} unit={unit} />;
    case 'scalar':
      return <p className={classes.single}>{formatExact(result.value)}</p>;
    case 'string':
      return <p className={classes.single}>{result.text}</p>;
    case 'matrix':
      return (
        <div className={classes.tableScroll}>
          <table className={charts.table}>
            <thead>
              <tr>
                <th scope="col">Series</th>
                <th scope="col">Samples</th>
              </tr>
            </thead>
            <tbody>
              {result.series.map((series) => (
                <tr key={JSON.stringify(series.labels)}>
                  <td className={classes.top}>
                    <LabelText labels={series.labels} />
                  </td>
                  <td className={classes.samples}>
                    {[...series.values].map((value, i) => (
                      <div key={series.times[i]}>
                        {formatExact(value)}{' '}
                        <span className="bw-dim">@ {formatMoment((series.times[i] ?? 0) * 1000, zone)}</span>
                      </div>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      );
  }
}

/** One row per series, one column per label that tells them apart. */
function SampleTable({ samples, name, unit }: { samples: readonly InstantSample[]; name: string; unit: Unit }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [sort, setSort] = useState<SortState<string>>();
  const common = useMemo(() => shared(samples), [samples]);
  const columns = useMemo(() => varyingLabels(samples, common), [samples, common]);
  const sorted = useMemo(() => sortSamples(samples, sort), [samples, sort]);
  const view = useVirtualRows(sorted.length, ROW_PX, scroller);
  return (
    <>
      {Object.keys(common).length > 0 && (
        <p className="bw-note">
          All have <LabelText labels={common} />
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable by keyboard */}
      <section ref={scroller} className={classes.tableScroll} aria-label={`Values of query ${name}`} tabIndex={0}>
        <table className={charts.table}>
          <thead>
            <tr>
              {columns.map((column) => (
                <SortHeader key={column} column={column} label={column} sort={sort} onSort={setSort} />
              ))}
              <SortHeader column="" label="Value" sort={sort} onSort={setSort} numeric />
            </tr>
          </thead>
          <tbody>
            <SpacerRow height={view.before} columns={columns.length + 1} />
            {view.rows.map((index) => {
              const sample = sorted[index];
              if (sample === undefined) return null;
              return (
                <tr key={index} data-row>
                  {columns.map((column) => (
                    <td key={column} className="bw-mono">
                      {sample.labels[column] ?? ''}
                    </td>
                  ))}
                  <td className={charts.number}>
                    <Value value={sample.value} unit={unit} />
                  </td>
                </tr>
              );
            })}
            <SpacerRow height={view.after} columns={columns.length + 1} />
          </tbody>
        </table>
      </section>
    </>
  );
}

/** A number in its unit; the exact one is a hover away, or the unit "Raw". */
function Value({ value, unit }: { value: number | NativeHistogram; unit: Unit }) {
  if (typeof value === 'number') return <span title={formatExact(value)}>{formatTabular(value, unit)}</span>;
  const buckets = value.buckets.map(
    ([lower, upper, count]) => `${formatExact(lower)} to ${formatExact(upper)}: ${count}`,
  );
  return (
    <details className={classes.histogram}>
      <summary>
        count {formatExact(value.count)}, sum {formatExact(value.sum)}
      </summary>
      {buckets.map((bucket) => (
        <div key={bucket}>{bucket}</div>
      ))}
    </details>
  );
}

/** What all samples have in common: labels, and the metric's name if it is the same. */
function shared(samples: readonly InstantSample[]): Labels {
  const common = commonLabels(samples.map((sample) => sample.labels));
  const name = samples[0]?.labels.__name__;
  const same = samples.length > 1 && name !== undefined && samples.every(({ labels }) => labels.__name__ === name);
  return same ? { __name__: name, ...common } : common;
}

/** Metric name first, then the labels that are not the same everywhere; all labels of a single series. */
function varyingLabels(samples: readonly InstantSample[], common: Labels): string[] {
  const names = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
  return [...names].filter((name) => common[name] === undefined).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

const rank = (label: string) => (label === '__name__' ? 0 : 1);

function sortSamples(samples: readonly InstantSample[], sort: SortState<string> | undefined): readonly InstantSample[] {
  if (sort === undefined) return samples;
  const { column, descending } = sort;
  const sign = descending ? -1 : 1;
  const number = ({ value }: InstantSample) => {
    const plain = typeof value === 'number' ? value : value.count;
    return Number.isNaN(plain) ? Number.NEGATIVE_INFINITY : plain;
  };
  const text = (sample: InstantSample) => sample.labels[column] ?? '';
  return [...samples].sort((a, b) => {
    if (column === '') return sign * Math.sign(number(a) - number(b));
    return sign * text(a).localeCompare(text(b), undefined, { numeric: true });
  });
}
