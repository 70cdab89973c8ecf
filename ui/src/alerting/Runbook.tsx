import { IconBook2, IconExternalLink } from '@tabler/icons-react';
import type { Labels } from '../labels/labels';
import { PageLink } from '../nav/links';
import { runbooksCodec } from '../url/pages';

/** An address of foreign text that a browser may follow; undefined for anything but the web. */
export function webAddress(text: string | null | undefined): string | undefined {
  return text !== null && text !== undefined && /^https?:\/\/[^\s]+$/.test(text) ? text : undefined;
}

/** Where it is written what to do: on the web, or on a page of runbooks that comes with the program. */
export type RunbookPlace = { url: string; pack?: undefined } | { pack: string; heading: string };

/** Reads an address, or the name of a page of the repository such as `docs/runbooks/dag.md#databaseunhealthy`. */
export function runbookPlace(text: string | null | undefined): RunbookPlace | undefined {
  const url = webAddress(text);
  if (url !== undefined) return { url };
  const [, pack, heading = ''] = /^docs\/runbooks\/([\w-]+)\.md(?:#(.*))?$/.exec(text ?? '') ?? [];
  return pack === undefined ? undefined : { pack, heading };
}

/** Where it is written what to do about an alert. */
export function runbookOf(annotations: Labels): RunbookPlace | undefined {
  return runbookPlace(annotations.runbook_url) ?? runbookPlace(annotations.runbook);
}

/** The way to a runbook; in a new tab if it leads elsewhere. */
export function RunbookLink({ place, of }: { place: RunbookPlace; of: string }) {
  const content = (
    <>
      <IconBook2 size={13} aria-hidden="true" /> Runbook<span className="bw-sr"> of {of}</span>
    </>
  );
  if (place.pack !== undefined) {
    return (
      <PageLink to="/runbooks/$name" params={{ name: place.pack }} search={runbooksCodec.encode({ of: place.heading })}>
        {content}
      </PageLink>
    );
  }
  return (
    <a href={place.url} target="_blank" rel="noopener noreferrer">
      {content} <IconExternalLink size={12} aria-label="opens in a new tab" />
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
