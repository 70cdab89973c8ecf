import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import classes from './shell.module.css';

interface PageHeaderProps {
  title: string;
  /** A short fact beside the title. */
  note?: ReactNode;
  /** What can be done on this page, to the right. */
  children?: ReactNode;
}

/** The one heading of a page; also names the browser's tab. */
export function PageHeader({ title, note, children }: PageHeaderProps) {
  useDocumentTitle(title === 'Home' ? 'Bellwether' : `${title} · Bellwether`);
  return (
    <header className={classes.pageHeader}>
      <h1 className={classes.pageTitle}>{title}</h1>
      {note !== undefined && <span className={classes.pageNote}>{note}</span>}
      <span className={classes.spread} />
      {children}
    </header>
  );
}
