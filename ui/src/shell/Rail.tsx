import { Tooltip } from '@mantine/core';
import { Fragment } from 'react';
import { PageLink } from '../nav/links';
import { Brand } from './Brand';
import { SECTION_GROUPS, type Section } from './sections';
import classes from './shell.module.css';

/** The way to every page that exists. Narrow screens get it in a drawer. */
export function Rail({ onNavigate }: { onNavigate?: () => void }) {
  return (
    <nav className={classes.rail} aria-label="Pages">
      <PageLink to="/" className={classes.brand} onClick={onNavigate}>
        <Brand />
        <span className={classes.railText}>Bellwether</span>
      </PageLink>
      {SECTION_GROUPS.map(({ heading, sections }) => {
        const id = heading === undefined ? undefined : `rail-${heading.toLowerCase()}`;
        return (
          <Fragment key={heading ?? ''}>
            {heading !== undefined && (
              <p className={classes.railHeading} id={id}>
                {heading}
              </p>
            )}
            <ul className={classes.sections} aria-labelledby={id}>
              {sections.map((section) => (
                <RailItem key={section.to} section={section} onNavigate={onNavigate} />
              ))}
            </ul>
          </Fragment>
        );
      })}
    </nav>
  );
}

function RailItem({ section, onNavigate }: { section: Section; onNavigate: (() => void) | undefined }) {
  const { to, label, icon: Icon, key } = section;
  return (
    <li>
      <Tooltip label={`${label} (g ${key})`} position="right">
        <PageLink to={to} exact={to === '/'} className={classes.railItem} onClick={onNavigate}>
          <Icon size={17} stroke={1.7} aria-hidden="true" />
          <span className={classes.railText}>{label}</span>
        </PageLink>
      </Tooltip>
    </li>
  );
}
