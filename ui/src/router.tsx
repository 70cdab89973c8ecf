import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { App } from './App';
import { basePath } from './api/base';
import { NotFound } from './shell/NotFound';
import { pageOfAlertmanager } from './url/alertmanager';
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
const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./pages/alerts/AlertsPage'), 'AlertsPage'),
});
const slos = createRoute({
  getParentRoute: () => root,
  path: '/slos',
  component: lazyRouteComponent(() => import('./pages/slos/SlosPage'), 'SlosPage'),
});
const slo = createRoute({
  getParentRoute: () => root,
  path: '/slos/$id',
  component: lazyRouteComponent(() => import('./pages/slos/SloPage'), 'SloPage'),
});
const rules = createRoute({
  getParentRoute: () => root,
  path: '/rules',
  component: lazyRouteComponent(() => import('./pages/rules/RulesPage'), 'RulesPage'),
});
const rule = createRoute({
  getParentRoute: () => root,
  path: '/rules/$name',
  component: lazyRouteComponent(() => import('./pages/rules/RulePage'), 'RulePage'),
});
const silences = createRoute({
  getParentRoute: () => root,
  path: '/silences',
  component: lazyRouteComponent(() => import('./pages/silences/SilencesPage'), 'SilencesPage'),
});
const routing = createRoute({
  getParentRoute: () => root,
  path: '/routing',
  component: lazyRouteComponent(() => import('./pages/routing/RoutingPage'), 'RoutingPage'),
});
const notifications = createRoute({
  getParentRoute: () => root,
  path: '/notifications',
  component: lazyRouteComponent(() => import('./pages/notifications/NotificationsPage'), 'NotificationsPage'),
});
const receivers = createRoute({
  getParentRoute: () => root,
  path: '/receivers',
  component: lazyRouteComponent(() => import('./pages/receivers/ReceiversPage'), 'ReceiversPage'),
});
const runbooks = createRoute({
  getParentRoute: () => root,
  path: '/runbooks/$name',
  component: lazyRouteComponent(() => import('./pages/runbooks/RunbooksPage'), 'RunbooksPage'),
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

// Before the router reads the address.
const meant = pageOfAlertmanager(window.location.hash);
if (meant !== undefined) window.history.replaceState(undefined, '', `${basePath}${meant}`);

export const router = createRouter({
  routeTree: root.addChildren([
    home,
    alerts,
    slos,
    slo,
    explore,
    metrics,
    metric,
    rules,
    rule,
    silences,
    routing,
    notifications,
    receivers,
    runbooks,
    targets,
    storage,
    cardinality,
    packs,
    status,
  ]),
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
