import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

const BINARY = process.env.BELLWETHER_BINARY ?? '../target/release/bellwether';

/** A server of a test's own, with its own folder. It scrapes nothing. */
export interface OwnServer {
  url: string;
  /** The folder of its store. */
  data: string;
  /** The file of its configuration, read at the next start. */
  config: string;
  /** Stops it without a warning, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again on the same folder. */
  start(args?: readonly string[]): Promise<void>;
}

/** Starts servers that are gone after the tests of a file, with what they stored. */
export function ownServers(): { start(args?: readonly string[]): Promise<OwnServer> } {
  const folders: string[] = [];
  const servers: OwnServer[] = [];
  afterAll(async () => {
    for (const server of servers) await server.kill();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  return {
    async start(args) {
      const folder = mkdtempSync(join(tmpdir(), 'bellwether-e2e-'));
      folders.push(folder);
      const server = await prepare(folder);
      servers.push(server);
      await server.start(args);
      return server;
    },
  };
}

async function prepare(folder: string): Promise<OwnServer> {
  const data = join(folder, 'data');
  // Without a configuration, it would scrape itself.
  const config = join(folder, 'bellwether.yml');
  writeFileSync(config, 'scrape_configs: []\n');
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  let child: ChildProcess | undefined;
  return {
    url,
    data,
    config,
    async kill() {
      const dying = child;
      child = undefined;
      if (dying === undefined || dying.exitCode !== null) return;
      const gone = new Promise((resolve) => dying.once('exit', resolve));
      dying.kill('SIGKILL');
      await gone;
    },
    async start(args = []) {
      const fixed = [
        'serve',
        `--web.listen-address=${address}`,
        `--storage.tsdb.path=${data}`,
        `--config.file=${config}`,
      ];
      const started = spawn(BINARY, [...fixed, ...args], { stdio: 'ignore' });
      child = started;
      while (!(await isReady(url))) {
        if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}: ${args.join(' ')}`);
        await sleep(100);
      }
    },
  };
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok;
  } catch {
    return false;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
