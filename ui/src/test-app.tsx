import { RouterProvider } from '@tanstack/react-router';
import { render } from '@testing-library/react';
import { vi } from 'vitest';

/** What the server answers below `/api/`: the `data` of an envelope, or for `v2` the body. Undefined is not found. */
export type Answers = (path: string, params: URLSearchParams, body: string | undefined) => unknown;

/** What a server without anything answers to what every page asks. */
const BARE: Record<string, unknown> = {
  'v1/status/runtimeinfo': {},
};

/** Opens a page of the whole UI, as its address in a browser does, with a server that answers like this. */
export async function openPage(address: string, answers: Answers): Promise<void> {
  vi.stubGlobal('fetch', async (input: string, init?: RequestInit) => {
    const { pathname, searchParams } = new URL(input, 'http://server');
    const path = pathname.replace(/^.*\/api\//, '');
    const body = typeof init?.body === 'string' ? init.body : undefined;
    const data = answers(path, searchParams, body) ?? BARE[path];
    if (data instanceof Response) return data;
    if (data === undefined)
      return Response.json({ status: 'error', errorType: 'not_found', error: path }, { status: 404 });
    return Response.json(path.startsWith('v2/') ? data : { status: 'success', data });
  });
  window.history.replaceState(undefined, '', address);
  // The router reads the address when it is made, and answers are kept beside it.
  vi.resetModules();
  const { router } = await import('./router');
  render(<RouterProvider router={router} />);
}
