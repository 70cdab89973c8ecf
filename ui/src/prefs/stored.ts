/** Reads from the browser's storage, which may be forbidden or full of somebody else's data. */
export function readStored(key: string): string | undefined {
  try {
    return window.localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Remembers something if the browser lets us; nothing may depend on it. */
export function writeStored(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // The choice holds until the page is closed.
  }
}
