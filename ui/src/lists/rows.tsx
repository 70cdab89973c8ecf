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

interface MainCellProps {
  /** A line below. */
  under?: ReactNode;
  /** The whole of that line, where it may be cut off. */
  underTitle?: string | undefined;
  children: ReactNode;
}

/** The cell that says what a row is about, and takes the width that the others leave. */
export function MainCell({ under, underTitle, children }: MainCellProps) {
  return (
    <td className={classes.main}>
      {children}
      {under !== undefined && (
        <div className={classes.under} title={underTitle}>
          {under}
        </div>
      )}
    </td>
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

interface GroupRowProps {
  columns: number;
  name: ReactNode;
  /** A few words about the group. */
  note: ReactNode;
  /** Whether its rows are shown; undefined if they always are. */
  open?: boolean;
  onToggle?: () => void;
  /** What can be done with all of the group. */
  actions?: ReactNode;
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

/** Why the thing above failed, without a line between them. */
export function ErrorRow({ columns, error, place }: { columns: number; error: string; place?: string | undefined }) {
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
