import { ActionIcon } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import { copyText } from '../nav/copy';

const SHOWN_MS = 1500;

interface CopyButtonProps {
  text: string;
  /** What it is, for those who do not see it. */
  label: string;
  className?: string | undefined;
}

/** Takes a text to the clipboard, and says so for a moment. */
export function CopyButton({ text, label, className = '' }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(text))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  return (
    <ActionIcon className={className} aria-label={copied ? 'Copied' : `Copy ${label}`} onClick={copy}>
      {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
    </ActionIcon>
  );
}
