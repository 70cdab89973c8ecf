import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { App } from './App';
import { basePath } from './api/base';
import { NotFound } from './shell/NotFound';
import { parseSearch, type RawSearch, stringifySearch } from './url/codec';

const root = createRootRoute({
  component: App,
  notFoundComponent: NotFound,
  // What a key means is up to the codec of each page; here the parameters are only text.
  validateSearch: (search: Record<string, unknown>): RawSearch => search as RawSearch,
});

const home = createRoute({
  getParentRoute: () => root,
  path: '/',
  component: lazyRouteComponent(() => import('./pages/home/HomePage'), 'HomePage'),
});
const explore = createRoute({
  getParentRoute: () => root,
  path: '/explore',
  component: lazyRouteComponent(() => import('./pages/explore/ExplorePage'), 'ExplorePage'),
});
const metrics = createRoute({
  getParentRoute: () => root,
  // With a slash at the end: without it, the address is that of the server's own metrics, which scrapers read.
  path: '/metrics/',
  component: lazyRouteComponent(() => import('./pages/metrics/MetricsPage'), 'MetricsPage'),
});
const metric = createRoute({
  getParentRoute: () => root,
  path: '/metrics/$name',
  component: lazyRouteComponent(() => import('./pages/metric/MetricPage'), 'MetricPage'),
});
const targets = createRoute({
  getParentRoute: () => root,
  path: '/system/targets',
  component: lazyRouteComponent(() => import('./pages/targets/TargetsPage'), 'TargetsPage'),
});
const storage = createRoute({
  getParentRoute: () => root,
  path: '/system/storage',
  component: lazyRouteComponent(() => import('./pages/storage/StoragePage'), 'StoragePage'),
});
const cardinality = createRoute({
  getParentRoute: () => root,
  path: '/system/cardinality',
  component: lazyRouteComponent(() => import('./pages/cardinality/CardinalityPage'), 'CardinalityPage'),
});
const packs = createRoute({
  getParentRoute: () => root,
  path: '/system/packs',
  component: lazyRouteComponent(() => import('./pages/packs/PacksPage'), 'PacksPage'),
});
const status = createRoute({
  getParentRoute: () => root,
  path: '/system/status',
  component: lazyRouteComponent(() => import('./pages/status/StatusPage'), 'StatusPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([home, explore, metrics, metric, targets, storage, cardinality, packs, status]),
  basepath: basePath === '' ? '/' : basePath,
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  trailingSlash: 'preserve',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
