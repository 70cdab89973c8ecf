import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';

/** A place on this machine that messages can be sent to. */
export interface Webhook {
  url: string;
  /** What has arrived, the oldest first. */
  bodies: readonly string[];
  /** Waits for a message with some text in it. */
  waitFor(text: string): Promise<string>;
}

/** Starts a webhook that takes whatever comes, and is gone after the tests of a file. */
export async function startWebhook(): Promise<Webhook> {
  const bodies: string[] = [];
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    bodies.push(body);
    response.end();
  });
  afterAll(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    bodies,
    async waitFor(text) {
      const deadline = Date.now() + 60_000;
      for (;;) {
        const found = bodies.find((body) => body.includes(text));
        if (found !== undefined) return found;
        if (Date.now() > deadline) throw new Error(`no message with ${text} came within a minute`);
        await sleep(100);
      }
    },
  };
}
