import { NativeSelect } from '@mantine/core';
import type { ReactNode } from 'react';
import type { RangeQuery } from '../../charts/useRangeQueries';
import type { ExploreState } from '../../url/pages';
import classes from './explore.module.css';

interface AboutProps {
  about: RangeQuery;
  asked: readonly RangeQuery[];
  set(patch: Partial<ExploreState>): void;
  children?: ReactNode;
}

/** Says which of the queries a tab is about, and lets the user choose where there are several. */
export function About({ about, asked, set, children }: AboutProps) {
  return (
    <div className={classes.about}>
      {asked.length > 1 && (
        <NativeSelect
          aria-label="Which query"
          w={320}
          value={about.id}
          onChange={(event) => set({ of: event.currentTarget.value.charCodeAt(0) - 65 })}
          data={asked.map(({ id, expression }) => ({ value: id, label: `${id}: ${shorten(expression)}` }))}
        />
      )}
      {children}
    </div>
  );
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 59)}…` : text);
