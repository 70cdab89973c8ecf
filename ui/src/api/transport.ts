import { ApiError, isAbort } from './error';

/** So many requests run at once; browsers keep no more connections to one server over HTTP/1.1. */
const MAX_RUNNING = 6;

/** A request that the server is too busy for is sent so many times in all. */
const MAX_ATTEMPTS = 4;

const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;

/** One request; equal requests that run at the same time are sent once. */
export interface ApiRequest {
  /** Below `<prefix>/api/v1/`, or below the version that is named. */
  path: string;
  /** `v2` is the API of Alertmanager. */
  version?: 'v1' | 'v2';
  params?: URLSearchParams;
  /** Long expressions do not fit into an address, so queries are posted. */
  method?: 'GET' | 'POST' | 'DELETE';
  /** What is posted as JSON, in the place of the parameters. */
  json?: unknown;
}

export interface ApiResponse {
  status: number;
  body: string;
  requestId: string | undefined;
}

/** What the transport needs from outside; tests bring their own. */
export interface TransportPorts {
  prefix: string;
  fetch: typeof fetch;
  /** Rejects with the signal's reason if it is aborted before `ms` are over. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  random(): number;
}

interface Shared {
  promise: Promise<unknown>;
  controller: AbortController;
  waiting: number;
}

/** Sends requests: merges equal ones, limits how many run, backs off when the server is busy, cancels on the server. */
export class Transport {
  readonly #ports: TransportPorts;
  readonly #shared = new Map<string, Shared>();
  readonly #queue: (() => void)[] = [];
  readonly #listeners = new Set<(reachable: boolean) => void>();
  #running = 0;

  constructor(ports: TransportPorts) {
    this.#ports = ports;
  }

  /** Tells `listener` after each request whether the server could be reached. Returns how to stop that. */
  onReachable(listener: (reachable: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sends a request and hands its answer to `decode`, once for all equal requests. The request is cancelled when
   * everybody who waits for it has given up.
   */
  async send<T>(
    request: ApiRequest,
    decode: (response: ApiResponse) => T | Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    const key = keyOf(request);
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      const controller = new AbortController();
      const promise = this.#attempt(request, controller.signal)
        .then(decode)
        .finally(() => {
          if (this.#shared.get(key)?.promise === promise) this.#shared.delete(key);
        });
      // Everybody may have given up by the time it fails.
      promise.catch(() => undefined);
      shared = { promise, controller, waiting: 0 };
      this.#shared.set(key, shared);
    }
    return this.#wait<T>(key, shared, signal);
  }

  #wait<T>(key: string, shared: Shared, signal: AbortSignal | undefined): Promise<T> {
    shared.waiting++;
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        shared.waiting--;
        if (shared.waiting === 0) {
          if (this.#shared.get(key) === shared) this.#shared.delete(key);
          shared.controller.abort();
        }
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', leave, { once: true });
      const settled = () => signal?.removeEventListener('abort', leave);
      shared.promise.then(
        (value) => {
          settled();
          resolve(value as T);
        },
        (error: unknown) => {
          settled();
          reject(error);
        },
      );
    });
  }

  async #attempt(request: ApiRequest, signal: AbortSignal): Promise<ApiResponse> {
    for (let attempt = 1; ; attempt++) {
      const { response, retryAfter } = await this.#once(request, signal);
      if (attempt === MAX_ATTEMPTS || !isBusy(response)) return response;
      await this.#ports.sleep(retryAfter ?? this.#delay(attempt), signal);
    }
  }

  #delay(attempt: number): number {
    const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
    // Half fixed, half random, so that many tabs do not come back at the same moment.
    return ceiling / 2 + (ceiling / 2) * this.#ports.random();
  }

  async #once(request: ApiRequest, signal: AbortSignal) {
    await this.#enter(signal);
    try {
      const { url, init } = this.#address(request);
      const answer = await this.#ports.fetch(url, { ...init, signal, credentials: 'same-origin' });
      const body = await answer.text();
      this.#tell(true);
      const requestId = answer.headers.get('x-request-id') ?? undefined;
      const seconds = Number(answer.headers.get('retry-after') ?? Number.NaN);
      const retryAfter = seconds >= 0 ? Math.min(seconds * 1000, LONGEST_DELAY_MS) : undefined;
      return { response: { status: answer.status, body, requestId }, retryAfter };
    } catch (error) {
      if (isAbort(error) || signal.aborted) throw error;
      this.#tell(false);
      throw new ApiError('network', `No answer from ${this.#ports.prefix || 'the server'}: ${String(error)}`);
    } finally {
      this.#leave();
    }
  }

  #address({ path, version = 'v1', params, method = 'GET', json }: ApiRequest): { url: string; init: RequestInit } {
    const url = `${this.#ports.prefix}/api/${version}/${path}`;
    const accept = { Accept: 'application/json' };
    if (json !== undefined) {
      const headers = { ...accept, 'Content-Type': 'application/json' };
      return { url, init: { method, headers, body: JSON.stringify(json) } };
    }
    if (method === 'POST') return { url, init: { method, headers: accept, body: params ?? new URLSearchParams() } };
    const query = params?.toString() ?? '';
    return { url: query === '' ? url : `${url}?${query}`, init: { method, headers: accept } };
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < MAX_RUNNING) {
      this.#running++;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#queue.splice(this.#queue.indexOf(start), 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#queue.push(start);
    });
  }

  /** Hands the place to the next in the queue, or frees it. */
  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#running--;
    else next();
  }

  #tell(reachable: boolean): void {
    for (const listener of this.#listeners) listener(reachable);
  }
}

/** Two requests with the same key ask for the same. */
function keyOf({ path, version = 'v1', params, method = 'GET', json }: ApiRequest): string {
  return `${method} ${version} ${path}?${params ?? ''}${json === undefined ? '' : ` ${JSON.stringify(json)}`}`;
}

/** A query that ran out of time is answered with 503 too; sending it again would only double the load. */
function isBusy({ status, body }: ApiResponse): boolean {
  if (status === 429) return true;
  return status === 503 && !/"errorType"\s*:\s*"(timeout|canceled)"/.test(body.slice(0, 500));
}
