import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import classes from './table.module.css';

interface RowProps {
  /** Its details are beside the list. */
  open?: boolean;
  /** The keys have moved to it. */
  chosen?: boolean;
  /** It has two lines. */
  tall?: boolean;
  children: ReactNode;
}

/** Heights in px of what stands in lists. */
export const ROW_PX = { one: 32, two: 48, group: 32, error: 26 } as const;

/** One thing of a list. */
export function Row({ open = false, chosen = false, tall = false, children }: RowProps) {
  return (
    <tr data-row data-open={open || undefined} data-chosen={chosen || undefined} data-tall={tall || undefined}>
      {children}
    </tr>
  );
}

/** A second line in a cell, with the whole of it where it may be cut off. */
export function Under({ title, children }: { title?: string | undefined; children: ReactNode }) {
  return (
    <div className={classes.under} title={title}>
      {children}
    </div>
  );
}

interface OpenButtonProps {
  open: boolean;
  onOpen(): void;
  title?: string | undefined;
  mono?: boolean;
  children: ReactNode;
}

/** The name of a row, which opens its details. */
export function OpenButton({ open, onOpen, title, mono = false, children }: OpenButtonProps) {
  return (
    <UnstyledButton
      className={classes.open}
      data-mono={mono || undefined}
      aria-expanded={open}
      title={title}
      onClick={onOpen}
    >
      {children}
    </UnstyledButton>
  );
}

/** What the head of a group says. */
export interface GroupHead {
  name: ReactNode;
  /** A few words about the group. */
  note: ReactNode;
  /** What can be done with all of the group. */
  actions?: ReactNode;
}

interface GroupRowProps extends GroupHead {
  columns: number;
  /** Whether its rows are shown; undefined if they always are. */
  open?: boolean;
  onToggle?: () => void;
}

/** The head of the rows below it. */
export function GroupRow({ columns, name, note, open, onToggle, actions }: GroupRowProps) {
  const text = (
    <>
      <span className={classes.groupName}>{name}</span>
      <span className={classes.groupNote}>{note}</span>
    </>
  );
  return (
    <tr className={classes.group} data-row>
      <th scope="rowgroup" colSpan={columns}>
        <div className={classes.groupHead}>
          {open === undefined ? (
            <span className={classes.groupText}>{text}</span>
          ) : (
            <UnstyledButton className={classes.groupText} aria-expanded={open} onClick={onToggle}>
              <IconChevronRight size={14} className={classes.chevron} aria-hidden="true" />
              {text}
            </UnstyledButton>
          )}
          {actions}
        </div>
      </th>
    </tr>
  );
}

/** Why something failed, and where. */
export interface RowError {
  error: string;
  place?: string | undefined;
}

/** Why the thing above failed, without a line between them. */
export function ErrorRow({ columns, error, place }: RowError & { columns: number }) {
  return (
    <tr className={classes.error} data-row>
      <td />
      <td colSpan={columns - 1} title={error}>
        {place !== undefined && <span className={classes.place}>{place}</span>}
        {error}
      </td>
    </tr>
  );
}
