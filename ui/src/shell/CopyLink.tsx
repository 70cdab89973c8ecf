import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconClock, IconLink, IconPinned } from '@tabler/icons-react';
import { useState } from 'react';
import { copyText } from '../nav/copy';
import { useKeys } from '../nav/keys';
import { useTime } from '../nav/time';
import { absolute } from '../time/bound';
import { rangeLabel } from '../time/quick';
import { formatMomentShort } from '../time/zone';
import { parseSearch, stringifySearch } from '../url/codec';
import { rangeCodec } from '../url/range';

/** Copies the address of what is on screen: moving with the clock, or fixed to this very time. */
export function CopyLink() {
  const { range, span, zone } = useTime();
  const [open, setOpen] = useState(false);
  useKeys({ y: () => setOpen(true) });

  const copy = async (fixed: boolean) => {
    const url = new URL(window.location.href);
    if (fixed) {
      const exact = rangeCodec.encode({ from: absolute(span.start), to: absolute(span.end) });
      url.search = stringifySearch({ ...parseSearch(url.search), ...exact });
    }
    const copied = await copyText(url.toString());
    notifications.show({
      message: copied ? 'Link copied' : 'The browser did not allow copying. The link is in the address bar.',
      color: copied ? 'blue' : 'red',
      autoClose: 3000,
    });
  };
  const [start, end] = [formatMomentShort(span.start, zone), formatMomentShort(span.end, zone)];
  return (
    <Menu position="bottom-end" opened={open} onChange={setOpen}>
      <Menu.Target>
        <Tooltip label="Copy link (y)" disabled={open}>
          <ActionIcon variant="default" aria-label="Copy link">
            <IconLink size={15} />
          </ActionIcon>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Copy a link to this page</Menu.Label>
        <Menu.Item leftSection={<IconClock size={14} />} onClick={() => void copy(false)}>
          As chosen: {rangeLabel(range, zone)}
        </Menu.Item>
        <Menu.Item leftSection={<IconPinned size={14} />} onClick={() => void copy(true)}>
          This exact time: {start} to {end.slice(0, 10) === start.slice(0, 10) ? end.slice(11) : end}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
