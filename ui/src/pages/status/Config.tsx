import { Button } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../../api/client';
import { copyText } from '../../nav/copy';
import { Panel } from '../../panel/Panel';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { YamlView } from './YamlView';

const SHOWN_MS = 1500;

/** The configuration that is in force; secrets are left out by the server. */
export function Config() {
  const query = useQuery({ queryKey: ['config'], queryFn: ({ signal }) => api.config(signal) });
  const [copied, setCopied] = useState(false);
  if (query.error !== null) return <ErrorCard error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loading height={420} />;
  const yaml = query.data;
  const copy = async () => {
    if (!(await copyText(yaml))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  const actions = (
    <Button leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />} onClick={() => void copy()}>
      {copied ? 'Copied' : 'Copy'}
    </Button>
  );
  return (
    <Panel title="Configuration in force" actions={actions} flush>
      {yaml.trim() === '' ? <p className="bw-note">The server runs on its defaults.</p> : <YamlView text={yaml} />}
    </Panel>
  );
}
