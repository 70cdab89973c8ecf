import type { ReactNode } from 'react';
import { FilterField } from './FilterField';
import classes from './lists.module.css';

interface FilterBarProps {
  label: string;
  value: string;
  onFilter(value: string): void;
  /** What stands before the field. */
  before?: ReactNode;
  /** What else narrows or orders the list. */
  children?: ReactNode;
}

/** Above a list: what narrows and orders it. */
export function FilterBar({ label, value, onFilter, before, children }: FilterBarProps) {
  return (
    <div className={classes.bar}>
      {before}
      <FilterField label={label} value={value} onChange={onFilter} />
      {children}
    </div>
  );
}
