import { ActionIcon, Drawer, Kbd, Tooltip, UnstyledButton } from '@mantine/core';
import {
  IconAlertTriangle,
  IconFlask,
  IconKeyboard,
  IconMenu2,
  IconPlugConnectedX,
  IconSearch,
} from '@tabler/icons-react';
import { Outlet, useLocation } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useKeys } from '../nav/keys';
import { PageLink, useGo } from '../nav/links';
import { Boundary } from '../states/Boundary';
import { Loading } from '../states/Loading';
import { KeyHelp } from './KeyHelp';
import { Rail } from './Rail';
import { SchemeMenu } from './SchemeMenu';
import { ALL_SECTIONS } from './sections';
import classes from './shell.module.css';
import { TimeBar } from './TimeBar';
import { useDemo, useLostServer, useOldConfig, useStoreAlarms } from './useServer';

const Palette = lazy(async () => ({ default: (await import('./Palette')).Palette }));
const openPalette = async () => (await import('./Palette')).openPalette();

/** What surrounds every page: the rail, the bar with search and time, and the signs that concern all of it. */
export function Shell() {
  const [menu, setMenu] = useState(false);
  const [help, setHelp] = useState(false);
  const main = useRef<HTMLElement>(null);
  const { pathname } = useLocation();
  useShellKeys(() => setHelp(true));
  useFocusOnArrival(main, pathname);

  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#content">
        Skip to the content
      </a>
      <div className={classes.railColumn}>
        <Rail />
      </div>
      <Drawer opened={menu} onClose={() => setMenu(false)} size={240} padding={0} withCloseButton={false} title="Pages">
        <Rail onNavigate={() => setMenu(false)} />
      </Drawer>
      <div className={classes.column}>
        <section className={classes.topbar} aria-label="Search and time">
          <ActionIcon className={classes.menuButton ?? ''} aria-label="Pages" onClick={() => setMenu(true)}>
            <IconMenu2 size={18} />
          </ActionIcon>
          <UnstyledButton className={classes.searchButton} aria-label="Search" onClick={() => void openPalette()}>
            <IconSearch size={14} aria-hidden="true" />
            <span className={classes.searchText}>Search or jump to</span>
            <Kbd size="xs" className={classes.searchKeys ?? ''}>
              Ctrl K
            </Kbd>
          </UnstyledButton>
          <DemoMark />
          <span className={classes.spread} />
          <TimeBar />
          <SchemeMenu />
          <Tooltip label="Keys (?)">
            <ActionIcon className={classes.keysButton ?? ''} aria-label="Keys" onClick={() => setHelp(true)}>
              <IconKeyboard size={16} />
            </ActionIcon>
          </Tooltip>
        </section>
        <LostServer />
        <StoreAlarms />
        <OldConfig />
        <main className={classes.main} id="content" tabIndex={-1} ref={main}>
          <Boundary key={pathname} what="This page">
            <Suspense fallback={<Loading height={320} label="Loading the page" />}>
              <Outlet />
            </Suspense>
          </Boundary>
        </main>
      </div>
      <KeyHelp opened={help} onClose={() => setHelp(false)} />
      <Suspense fallback={null}>
        <Palette />
      </Suspense>
    </div>
  );
}

function useShellKeys(openHelp: () => void) {
  const go = useGo();
  const jumps = ALL_SECTIONS.map(({ to, key }) => [`g ${key}`, () => go({ to })] as const);
  useKeys({ ...Object.fromEntries(jumps), '?': openHelp });
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey)
        return;
      event.preventDefault();
      void openPalette();
    };
    document.addEventListener('keydown', listen, { capture: true });
    return () => document.removeEventListener('keydown', listen, { capture: true });
  }, []);
}

/** After a change of page the focus goes to the content, as it would after loading a document. */
function useFocusOnArrival(main: React.RefObject<HTMLElement | null>, pathname: string) {
  const earlier = useRef(pathname);
  useEffect(() => {
    if (earlier.current === pathname) return;
    earlier.current = pathname;
    main.current?.focus({ preventScroll: true });
  }, [main, pathname]);
}

/** Nobody may take the demo fleet's numbers for their own. */
function DemoMark() {
  if (!useDemo()) return null;
  return (
    <Tooltip
      label="These numbers come from the demo fleet inside this server, not from your systems."
      multiline
      maw={260}
    >
      <span className={classes.demo} role="note">
        <IconFlask size={14} aria-hidden="true" />
        Demo data
      </span>
    </Tooltip>
  );
}

function LostServer() {
  const left = useLostServer();
  return (
    <div role="status">
      {left !== undefined && (
        <div className={classes.lost}>
          <IconPlugConnectedX size={14} aria-hidden="true" />
          The server does not answer. What you see is from before. Trying again in {left} s.
        </div>
      )}
    </div>
  );
}

/** Damage concerns every page: any number may miss something. */
function StoreAlarms() {
  const { damaged, safeMode } = useStoreAlarms();
  if (!damaged && !safeMode) return null;
  return (
    <div role="alert" className={classes.lost} data-look={damaged ? 'bad' : 'warning'}>
      <IconAlertTriangle size={14} aria-hidden="true" />
      <span>
        {damaged
          ? 'Stored data is damaged, and answers may miss samples.'
          : 'Safe mode after several crashes: one query at a time.'}{' '}
        <PageLink to="/system/storage">What happened</PageLink>
      </span>
    </div>
  );
}

/** What is seen may not be what the configuration file asks for. */
function OldConfig() {
  if (useOldConfig() === undefined) return null;
  return (
    <div role="alert" className={classes.lost}>
      <IconAlertTriangle size={14} aria-hidden="true" />
      <span>
        The last reload of the configuration failed, the earlier one is in use.{' '}
        <PageLink to="/system/status">What to do</PageLink>
      </span>
    </div>
  );
}
