/** What the server wrote into the page for us; empty while the page is not served by it. */
function meta(name: string, placeholder: string): string {
  const content = document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';
  return content === placeholder ? '' : content;
}

/** The path prefix below which the server answers, without a slash at the end; empty at the root. */
export const basePath = meta('bw-base', '__BW_BASE__').replace(/\/+$/, '');

/** The nonce of this page load; styles without it are refused by the Content-Security-Policy. */
export const styleNonce = meta('csp-nonce', '__BW_NONCE__');

/** The address at which other programs reach this server. */
export const serverAddress = `${window.location.origin}${basePath}`;
