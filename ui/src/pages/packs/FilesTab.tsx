import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { api } from '../../api/client';
import type { Pack, PackFile } from '../../api/packs';
import { formatValue } from '../../format/value';
import { CopyText } from '../../lists/CopyText';
import { Answer } from '../../states/Answer';
import { download } from './download';
import classes from './packs.module.css';

const KINDS: Readonly<Record<string, string>> = {
  rules: 'Recordings and alerts, those of objectives included',
  aliases: 'Recordings that keep old names alive',
  'rule-tests': 'Unit tests of the alerts',
  scrape: 'What is scraped, for the configuration of a server',
  alertmanager: 'Receivers and inhibition, for an Alertmanager',
  dashboards: 'A dashboard for Grafana',
  reference: 'The reference in Markdown',
  rust: 'A module for Rust, over bellwether-sdk',
};

/** What is made of a pack, to take away, and how to make it where the pack is. */
export function FilesTab({ pack }: { pack: Pack }) {
  const query = useQuery({
    queryKey: ['packs', pack.name, pack.version, 'files'],
    queryFn: ({ signal }) => api.packFiles(pack.name, signal),
    staleTime: 60_000,
  });
  return (
    <>
      <CopyText text={`bellwether pack gen ${pack.builtIn ? pack.name : pack.file} --out made`} label="the command" />
      <Answer query={query} height={240}>
        {(files) => (
          <ul className={classes.list}>
            {files.map((file) => (
              <FileRow key={file.name} file={file} />
            ))}
          </ul>
        )}
      </Answer>
    </>
  );
}

function FileRow({ file: { kind, name, text } }: { file: PackFile }) {
  return (
    <li className={classes.file}>
      <code>{name}</code>
      <span className="bw-dim">
        {KINDS[kind] ?? kind}, {formatValue(new Blob([text]).size, 'bytes')}
      </span>
      <Button
        size="compact-xs"
        leftSection={<IconDownload size={13} aria-hidden="true" />}
        aria-label={`Download ${name}`}
        onClick={() => download(name, text)}
      >
        Download
      </Button>
    </li>
  );
}
