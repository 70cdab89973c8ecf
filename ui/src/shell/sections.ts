import {
  type Icon,
  IconChartLine,
  IconDatabase,
  IconHome,
  IconListDetails,
  IconPackage,
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
export const SECTIONS: readonly Section[] = [
  { to: '/', label: 'Home', icon: IconHome, key: 'h', also: 'start overview' },
  { to: '/explore', label: 'Explore', icon: IconChartLine, key: 'e', also: 'query promql graph table' },
  { to: '/metrics/', label: 'Metrics', icon: IconListDetails, key: 'm', also: 'catalogue names help type series' },
];

export const SYSTEM_SECTIONS: readonly Section[] = [
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
