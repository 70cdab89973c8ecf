import {
  type Icon,
  IconBellOff,
  IconBellRinging,
  IconChartLine,
  IconDatabase,
  IconGauge,
  IconGavel,
  IconHome,
  IconListDetails,
  IconMessages,
  IconPackage,
  IconRoute,
  IconSend,
  IconServer2,
  IconStack2,
  IconTarget,
} from '@tabler/icons-react';
import type { PagePath } from '../nav/links';

export interface Section {
  to: PagePath;
  label: string;
  icon: Icon;
  /** Follows `g`. */
  key: string;
  /** Words by which the palette finds it, besides its name. */
  also: string;
}

/** The pages of the left rail, in the order of an incident. */
const SECTIONS: readonly Section[] = [
  { to: '/', label: 'Home', icon: IconHome, key: 'h', also: 'start overview' },
  { to: '/alerts', label: 'Alerts', icon: IconBellRinging, key: 'a', also: 'firing pending suppressed acknowledge' },
  { to: '/slos', label: 'SLOs', icon: IconGauge, key: 's', also: 'objectives error budget burn rate' },
  { to: '/explore', label: 'Explore', icon: IconChartLine, key: 'e', also: 'query promql graph table' },
  { to: '/metrics/', label: 'Metrics', icon: IconListDetails, key: 'm', also: 'catalogue names help type series' },
];

const ALERTING_SECTIONS: readonly Section[] = [
  { to: '/rules', label: 'Rules', icon: IconGavel, key: 'l', also: 'alerting recording evaluation back-test' },
  { to: '/silences', label: 'Silences', icon: IconBellOff, key: 'q', also: 'mute quiet expire' },
  { to: '/routing', label: 'Routing', icon: IconRoute, key: 'o', also: 'tree labels inhibit time intervals who' },
  { to: '/notifications', label: 'Notifications', icon: IconMessages, key: 'n', also: 'sent messages failed log' },
  { to: '/receivers', label: 'Receivers', icon: IconSend, key: 'v', also: 'slack email webhook pagerduty test' },
];

const SYSTEM_SECTIONS: readonly Section[] = [
  { to: '/system/targets', label: 'Targets', icon: IconTarget, key: 'y', also: 'scrape jobs health relabel' },
  {
    to: '/system/storage',
    label: 'Storage',
    icon: IconDatabase,
    key: 'b',
    also: 'disk parts log retention compaction corruption bytes per sample',
  },
  {
    to: '/system/cardinality',
    label: 'Cardinality',
    icon: IconStack2,
    key: 'c',
    also: 'series labels values churn memory relabel drop top',
  },
  {
    to: '/system/packs',
    label: 'Packs',
    icon: IconPackage,
    key: 'p',
    also: 'catalogue promise check verdict lint metrics alerts',
  },
  {
    to: '/system/status',
    label: 'Status',
    icon: IconServer2,
    key: 'u',
    also: 'build runtime flags configuration head',
  },
];

/** All pages, by the heading below which the rail lists them. */
export const SECTION_GROUPS: readonly { heading: string | undefined; sections: readonly Section[] }[] = [
  { heading: undefined, sections: SECTIONS },
  { heading: 'Alerting', sections: ALERTING_SECTIONS },
  { heading: 'System', sections: SYSTEM_SECTIONS },
];

export const ALL_SECTIONS: readonly Section[] = SECTION_GROUPS.flatMap(({ sections }) => sections);
