import { UnstyledButton } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './lists.module.css';

export interface SortState<C extends string> {
  column: C;
  descending: boolean;
}

interface SortHeaderProps<C extends string> {
  column: C;
  label: ReactNode;
  sort: SortState<C> | undefined;
  onSort(sort: SortState<C> | undefined): void;
  numeric?: boolean;
  /** It is given up where there is no room. */
  extra?: boolean;
}

/** A column head that sorts: numbers from the top first, then from the bottom, then as they came. */
export function SortHeader<C extends string>(props: SortHeaderProps<C>) {
  const { column, label, sort, onSort, numeric = false, extra = false } = props;
  const active = sort?.column === column;
  const next = () => {
    if (!active) return onSort({ column, descending: numeric });
    return onSort(sort.descending === numeric ? { column, descending: !numeric } : undefined);
  };
  const Arrow = active && sort.descending ? IconArrowDown : IconArrowUp;
  return (
    <th
      scope="col"
      data-numeric={numeric || undefined}
      data-extra={extra || undefined}
      aria-sort={active ? (sort.descending ? 'descending' : 'ascending') : 'none'}
    >
      <UnstyledButton className={classes.sort} onClick={next}>
        {label}
        {active && <Arrow size={12} aria-hidden="true" />}
      </UnstyledButton>
    </th>
  );
}
