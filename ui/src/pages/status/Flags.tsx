import { Button } from '@mantine/core';
import { IconFilterOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import { FilterField } from '../../lists/FilterField';
import { wordFilter } from '../../lists/matches';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import classes from './status.module.css';

/** The flags this server runs with. */
export function Flags({ filter, onFilter }: { filter: string; onFilter(filter: string): void }) {
  const query = useQuery({ queryKey: ['flags'], queryFn: ({ signal }) => api.flags(signal) });
  if (query.error !== null) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading height={420} />;
  const matches = wordFilter(filter);
  const shown = Object.entries(query.data)
    .filter(([name, value]) => matches(`--${name} ${value}`))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <>
      <div className={classes.bar}>
        <FilterField label="Filter flags" value={filter} onChange={onFilter} />
      </div>
      {shown.length === 0 ? (
        <EmptyState
          icon={IconFilterOff}
          title="No flag passes the filter"
          action={<Button onClick={() => onFilter('')}>Clear the filter</Button>}
        />
      ) : (
        <div className={`bw-panel ${classes.flags}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Flag</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">--{name}</th>
                  <td>{value === '' ? <span className="bw-dim">not set</span> : value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
