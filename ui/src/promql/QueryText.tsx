import { IconChartLine } from '@tabler/icons-react';
import { CopyButton } from '../lists/CopyButton';
import { PageLink } from '../nav/links';
import { exploreCodec } from '../url/pages';
import classes from './queryText.module.css';

interface QueryTextProps {
  /** What is copied and explored. */
  expr: string;
  /** Whose query it is, for those who do not see it. */
  label: string;
  /** What is shown, if not the query itself. */
  children?: string;
}

/** A query to read, to copy and to look at in Explore. */
export function QueryText({ expr, label, children = expr }: QueryTextProps) {
  return (
    <span className={classes.query}>
      <code className={classes.text}>{children}</code>
      <CopyButton text={expr} label={`the query of ${label}`} />
      <PageLink
        to="/explore"
        search={exploreCodec.encode({ q: [expr] })}
        className={classes.jump}
        aria-label={`Explore ${label}`}
        title="Explore"
      >
        <IconChartLine size={15} aria-hidden="true" />
      </PageLink>
    </span>
  );
}
