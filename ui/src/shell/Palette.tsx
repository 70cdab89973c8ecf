import '@mantine/spotlight/styles.layer.css';
import { useMantineColorScheme } from '@mantine/core';
import { createSpotlight, Spotlight } from '@mantine/spotlight';
import {
  type Icon,
  IconBellPlus,
  IconClockHour4,
  IconGavel,
  IconListDetails,
  IconMoon,
  IconPlayerPlay,
  IconRefresh,
  IconSearch,
  IconSun,
  IconTarget,
  IconZoomOut,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useDeferredValue, useState } from 'react';
import { METRIC_NAMES_QUERY, RULES_QUERY, TARGETS_QUERY } from '../api/queries';
import { wordFilter } from '../lists/matches';
import { useGo } from '../nav/links';
import { useTime, useTimeMoves } from '../nav/time';
import { useZone } from '../prefs/zone';
import { silencesCodec } from '../url/alerting';
import { exploreCodec, targetsCodec } from '../url/pages';
import { looksLikeExpression, searchNames } from './found';
import classes from './palette.module.css';
import { ALL_SECTIONS } from './sections';

const [store, actions] = createSpotlight();

export const openPalette = actions.open;

const MOST_PER_GROUP = 8;

interface Found {
  id: string;
  group: string;
  label: string;
  icon: Icon;
  keys?: string;
  run(): void;
}

/** Ctrl+K: pages, rules, metrics, targets and actions by name; an expression is run as it is. */
export function Palette() {
  const [query, setQuery] = useState('');
  const [open, setOpen] = useState(false);
  const typed = useDeferredValue(query);
  const found = useFound(typed, open);
  const groups = [...new Set(found.map(({ group }) => group))];
  return (
    <Spotlight.Root
      store={store}
      shortcut={null}
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpen(true)}
      onSpotlightClose={() => setOpen(false)}
      transitionProps={{ duration: 80 }}
      classNames={{ content: classes.palette ?? '', search: classes.paletteSearch ?? '' }}
      attributes={{ content: { 'aria-label': 'Search' } }}
      overlayProps={{ backgroundOpacity: 0.5, blur: 0 }}
      radius="md"
      size={640}
      scrollable
      maxHeight={440}
    >
      <Spotlight.Search
        leftSection={<IconSearch size={16} aria-hidden="true" />}
        placeholder="Page, rule, metric, job, action, or a PromQL expression"
        aria-label="Search"
      />
      <Spotlight.ActionsList>
        {groups.map((group) => (
          <Spotlight.ActionsGroup key={group} label={group}>
            {found
              .filter((entry) => entry.group === group)
              .map(({ id, label, icon: EntryIcon, keys, run }) => (
                <Spotlight.Action
                  key={id}
                  label={label}
                  leftSection={<EntryIcon size={16} aria-hidden="true" />}
                  rightSection={keys === undefined ? undefined : <span className="bw-dim">{keys}</span>}
                  onClick={run}
                />
              ))}
          </Spotlight.ActionsGroup>
        ))}
        {found.length === 0 && <Spotlight.Empty>Nothing is called “{typed}”.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

function useFound(typed: string, open: boolean): Found[] {
  const go = useGo();
  const commands = useCommands();
  const metrics = useQuery({ ...METRIC_NAMES_QUERY, enabled: open }).data ?? [];
  const targets = useQuery({ ...TARGETS_QUERY, enabled: open }).data?.activeTargets ?? [];
  const groups = useQuery({ ...RULES_QUERY, enabled: open }).data ?? [];
  const matches = wordFilter(typed);
  const rules = [...new Set(groups.flatMap((group) => group.rules.map((rule) => rule.name)))];
  const jobs = [...new Set(targets.map((target) => target.scrapePool))].sort();

  const pages = ALL_SECTIONS.filter(({ label, also }) => matches(`${label} ${also}`)).map(
    ({ to, label, icon, key }) => ({
      id: to,
      group: 'Pages',
      label,
      icon,
      keys: `g ${key}`,
      run: () => go({ to }),
    }),
  );
  const expression = looksLikeExpression(typed)
    ? [
        {
          id: 'run',
          group: 'Expression',
          label: `Run ${typed.trim()}`,
          icon: IconPlayerPlay,
          run: () => go({ to: '/explore', search: exploreCodec.encode({ q: [typed.trim()] }) }),
        },
      ]
    : [];
  const named = searchNames(metrics, typed, MOST_PER_GROUP).map((name) => ({
    id: `metric ${name}`,
    group: 'Metrics',
    label: name,
    icon: IconListDetails,
    run: () => go({ to: '/metrics/$name', params: { name } }),
  }));
  const ruled = searchNames(rules, typed, MOST_PER_GROUP).map((name) => ({
    id: `rule ${name}`,
    group: 'Rules',
    label: name,
    icon: IconGavel,
    run: () => go({ to: '/rules/$name', params: { name } }),
  }));
  const scraped = searchNames(jobs, typed, MOST_PER_GROUP).map((job) => ({
    id: `job ${job}`,
    group: 'Targets',
    label: `Job ${job}`,
    icon: IconTarget,
    run: () => go({ to: '/system/targets', search: targetsCodec.encode({ f: job }) }),
  }));
  return [...expression, ...pages, ...ruled, ...named, ...scraped, ...commands.filter(({ label }) => matches(label))];
}

function useCommands(): Found[] {
  const go = useGo();
  const { reload } = useTime();
  const { zoomOut } = useTimeMoves();
  const { zone, setZone } = useZone();
  const { setColorScheme } = useMantineColorScheme();
  const other = zone === 'utc' ? ({ to: 'local', name: 'local time' } as const) : ({ to: 'utc', name: 'UTC' } as const);
  const command = (id: string, label: string, icon: Icon, run: () => void, keys?: string): Found => ({
    id,
    group: 'Actions',
    label,
    icon,
    run,
    ...(keys && { keys }),
  });
  return [
    command('silence', 'New silence', IconBellPlus, () =>
      go({ to: '/silences', search: silencesCodec.encode({ new: '{}' }) }),
    ),
    command('refresh', 'Refresh', IconRefresh, reload, 'r'),
    command('zoom-out', 'Zoom out', IconZoomOut, zoomOut, '-'),
    command('zone', `Show times in ${other.name}`, IconClockHour4, () => setZone(other.to)),
    command('dark', 'Dark colours', IconMoon, () => setColorScheme('dark')),
    command('light', 'Light colours', IconSun, () => setColorScheme('light')),
  ];
}
