import { IconBook2, IconExternalLink } from '@tabler/icons-react';
import type { Labels } from '../labels/labels';

/** An address of foreign text that a browser may follow; undefined for anything but the web. */
export function webAddress(text: string | null | undefined): string | undefined {
  return text !== null && text !== undefined && /^https?:\/\/[^\s]+$/.test(text) ? text : undefined;
}

/** Where it is written what to do about an alert. */
export function runbookOf(annotations: Labels): string | undefined {
  return webAddress(annotations.runbook_url) ?? webAddress(annotations.runbook);
}

/** The way to a runbook, in a new tab. */
export function RunbookLink({ url }: { url: string }) {
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      <IconBook2 size={13} aria-hidden="true" /> Runbook <IconExternalLink size={12} aria-label="opens in a new tab" />
    </a>
  );
}

/** The text of an annotation, as a link where it is one. */
export function AnnotationText({ text }: { text: string }) {
  const url = webAddress(text);
  if (url === undefined) return <>{text}</>;
  return (
    <a href={url} target="_blank" rel="noopener noreferrer">
      {url} <IconExternalLink size={12} aria-label="opens in a new tab" />
    </a>
  );
}
