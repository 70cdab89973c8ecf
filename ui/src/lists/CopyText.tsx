import { ActionIcon } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { copyText } from '../nav/copy';
import classes from './lists.module.css';

const SHOWN_MS = 1500;

/** Text to take away, with a button that does it. */
export function CopyText({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <div className={classes.copy}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: text that may scroll has to be reachable by keyboard */}
      <pre className={classes.copyText} tabIndex={0}>
        {text}
      </pre>
      <ActionIcon className={classes.copyButton ?? ''} aria-label={copied ? 'Copied' : `Copy ${label}`} onClick={copy}>
        {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
      </ActionIcon>
    </div>
  );
}
