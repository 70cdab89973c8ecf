// Fails when a group of chunks is larger, compressed, than the design allows.
import { readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const DIST = new URL('../dist/', import.meta.url);
const kB = 1000;

const EXPLORE = 'src/pages/explore/ExplorePage.tsx';

/** Gzip budgets in bytes. A page's figure is what opening it adds to the initial load, and to the page that it is `on`. */
const BUDGETS = [
  { name: 'initial', entry: 'index.html', budget: 280 * kB },
  { name: 'explore', entry: EXPLORE, budget: 200 * kB },
  { name: 'table', entry: 'src/pages/explore/TableTab.tsx', on: EXPLORE, budget: 12 * kB },
  { name: 'heatmap', entry: 'src/pages/explore/heatmap/HeatmapTab.tsx', on: EXPLORE, budget: 12 * kB },
  { name: 'tree', entry: 'src/pages/explore/tree/TreeTab.tsx', on: EXPLORE, budget: 12 * kB },
  { name: 'explain', entry: 'src/pages/explore/explain/ExplainTab.tsx', on: EXPLORE, budget: 12 * kB },
  { name: 'exemplars', entry: 'src/pages/explore/exemplars/ExemplarLayer.tsx', on: EXPLORE, budget: 12 * kB },
  { name: 'browser', entry: 'src/pages/explore/browser/MetricBrowser.tsx', on: EXPLORE, budget: 20 * kB },
  { name: 'alerts', entry: 'src/pages/alerts/AlertsPage.tsx', budget: 60 * kB },
  { name: 'rules', entry: 'src/pages/rules/RulesPage.tsx', budget: 60 * kB },
  { name: 'rule', entry: 'src/pages/rules/RulePage.tsx', budget: 80 * kB },
  { name: 'silences', entry: 'src/pages/silences/SilencesPage.tsx', budget: 60 * kB },
  { name: 'routing', entry: 'src/pages/routing/RoutingPage.tsx', budget: 60 * kB },
  { name: 'messages', entry: 'src/pages/notifications/NotificationsPage.tsx', budget: 60 * kB },
  { name: 'receivers', entry: 'src/pages/receivers/ReceiversPage.tsx', budget: 60 * kB },
  { name: 'slos', entry: 'src/pages/slos/SlosPage.tsx', budget: 60 * kB },
  { name: 'slo', entry: 'src/pages/slos/SloPage.tsx', budget: 60 * kB },
  { name: 'runbooks', entry: 'src/pages/runbooks/RunbooksPage.tsx', budget: 60 * kB },
  { name: 'home', entry: 'src/pages/home/HomePage.tsx', budget: 60 * kB },
  { name: 'metrics', entry: 'src/pages/metrics/MetricsPage.tsx', budget: 60 * kB },
  { name: 'metric', entry: 'src/pages/metric/MetricPage.tsx', budget: 60 * kB },
  { name: 'targets', entry: 'src/pages/targets/TargetsPage.tsx', budget: 60 * kB },
  { name: 'storage', entry: 'src/pages/storage/StoragePage.tsx', budget: 60 * kB },
  { name: 'cardinality', entry: 'src/pages/cardinality/CardinalityPage.tsx', budget: 60 * kB },
  { name: 'packs', entry: 'src/pages/packs/PacksPage.tsx', budget: 60 * kB },
  { name: 'status', entry: 'src/pages/status/StatusPage.tsx', budget: 60 * kB },
  { name: 'palette', entry: 'src/shell/Palette.tsx', budget: 40 * kB },
  { name: 'calendar', entry: 'src/shell/Calendar.tsx', budget: 80 * kB },
  { name: 'YAML view', entry: 'src/pages/status/Config.tsx', budget: 200 * kB },
];
const TOTAL = 600 * kB;

const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', DIST), 'utf8'));

/** All files that loading `key` needs: its chunk, what it imports statically, and their styles. */
function files(key, seen = new Set(), found = new Set()) {
  const chunk = manifest[key];
  if (chunk === undefined) throw new Error(`no chunk ${key}: correct build/budget.mjs`);
  if (seen.has(key)) return found;
  seen.add(key);
  found.add(chunk.file);
  for (const css of chunk.css ?? []) found.add(css);
  for (const next of chunk.imports ?? []) files(next, seen, found);
  return found;
}

const size = (file) => gzipSync(readFileSync(new URL(file, DIST)), { level: 9 }).length;
const sum = (set) => [...set].reduce((total, file) => total + size(file), 0);

const initial = files('index.html');
const rows = BUDGETS.map(({ name, entry, on, budget }) => {
  const own = files(entry);
  if (name !== 'initial') for (const file of initial) own.delete(file);
  if (on !== undefined) for (const file of files(on)) own.delete(file);
  return { name, bytes: sum(own), budget };
});
const everything = new Set(Object.values(manifest).flatMap((chunk) => [chunk.file, ...(chunk.css ?? [])]));
rows.push({ name: 'everything', bytes: sum([...everything].filter((f) => /\.(js|css)$/.test(f))), budget: TOTAL });

let failed = false;
for (const { name, bytes, budget } of rows) {
  const over = bytes > budget;
  failed ||= over;
  const text = `${(bytes / kB).toFixed(1).padStart(7)} kB of ${String(budget / kB).padStart(4)} kB`;
  console.log(`${over ? 'OVER' : ' ok '} ${name.padEnd(12)} ${text}`);
}
if (failed) process.exit(1);
// The manifest served its purpose; the server embeds everything that is left in the folder.
rmSync(new URL('.vite', DIST), { recursive: true });
