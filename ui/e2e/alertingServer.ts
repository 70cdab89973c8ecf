import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnServer } from './server';

/** One rule of each kind and state. The target `self` is the server. */
const RULES = `groups:
- name: own
  interval: 1s
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
  - alert: SelfAnswers
    expr: up{job="self"} > 0.5
    labels: {severity: page, team: own}
    annotations:
      summary: '{{ $labels.job }} answers'
      description: It has to, or nobody could tell.
      runbook_url: docs/runbooks/process.md#processoutoffiledescriptors
  - alert: ServiceUp
    expr: up > 0.5
    labels: {severity: warn, team: own}
    annotations: {summary: 'Kept quiet by the other one'}
  - alert: StaysPending
    expr: up{job="self"} == 1
    for: 1h
    labels: {severity: page}
  - alert: NeverFires
    expr: up{job="self"} == 7
- name: broken
  interval: 1s
  rules:
  - alert: CannotBeEvaluated
    expr: up * on (job) group_left (x) (up or vector(1)) > on () vector(0) + on () (up or label_replace(up, "a", "b", "", ""))
`;

const ROUTES = (webhook: string) => `route:
  receiver: nobody
  group_by: [alertname]
  group_wait: 1s
  group_interval: 1s
  routes:
  - matchers: [severity="page"]
    receiver: team
    continue: true
  - matchers: [team="own", severity=~"warn|info"]
    receiver: chat
    mute_time_intervals: [nights]
receivers:
- name: nobody
- name: team
  webhook_configs: [{url: '${webhook}'}]
- name: chat
  webhook_configs: [{url: 'http://127.0.0.1:9/'}]
inhibit_rules:
- source_matchers: [severity="page"]
  target_matchers: [severity="warn"]
  equal: [job]
time_intervals:
- name: nights
  time_intervals:
  - times: [{start_time: '22:00', end_time: '24:00'}]
`;

const OBJECTIVE = `slo:
  name: answers
  service: self
  description: How many requests to the server are answered.
  objective: 99.9
  good: bellwether_http_requests_total{code!~"5.."}
  total: bellwether_http_requests_total
`;

/** Gives a server rules, routes that end at a webhook, and an objective, and waits until the first alert fires. */
export async function setUpAlerting(server: OwnServer, webhook: string): Promise<void> {
  await server.kill();
  const beside = (name: string) => join(dirname(server.config), name);
  writeFileSync(beside('rules.yml'), RULES);
  writeFileSync(beside('am.yml'), ROUTES(webhook));
  writeFileSync(beside('slo.yml'), OBJECTIVE);
  const target = new URL(server.url).host;
  writeFileSync(
    server.config,
    `global: {evaluation_interval: 1s}
rule_files: [rules.yml]
slos: [slo.yml]
alertmanager: am.yml
scrape_configs:
- {job_name: self, scrape_interval: 1s, static_configs: [{targets: ['${target}']}]}
`,
  );
  await server.start();
  for (;;) {
    const response = await fetch(`${server.url}/api/v2/alerts`);
    const alerts = (await response.json()) as { labels: { alertname: string } }[];
    if (alerts.some(({ labels }) => labels.alertname === 'SelfAnswers')) break;
    await sleep(100);
  }
}
