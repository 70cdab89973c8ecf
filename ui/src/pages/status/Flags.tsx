import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import { FilterBar } from '../../lists/FilterBar';
import { FilteredOut } from '../../lists/FilteredOut';
import { wordFilter } from '../../lists/matches';
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
      <FilterBar label="Filter flags" value={filter} onFilter={onFilter} />
      {shown.length === 0 ? (
        <FilteredOut what="flag" total={Object.keys(query.data).length} onClear={() => onFilter('')} />
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
