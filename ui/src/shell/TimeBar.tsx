import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronLeft, IconChevronRight, IconRefresh, IconZoomOut } from '@tabler/icons-react';
import { useKeys } from '../nav/keys';
import { useTime, useTimeMoves } from '../nav/time';
import { formatDuration } from '../time/duration';
import { REFRESH_CHOICES } from '../url/range';
import { CopyLink } from './CopyLink';
import { RangePicker } from './RangePicker';
import classes from './shell.module.css';

/** The one time range for all pages: choose, shift, zoom out, refresh, share. */
export function TimeBar() {
  const { refresh, setRefresh, reload } = useTime();
  const { zoomIn, zoomOut, shift } = useTimeMoves();
  useKeys({
    '+': zoomIn,
    '=': zoomIn,
    '-': zoomOut,
    ArrowLeft: () => shift(-1),
    ArrowRight: () => shift(1),
    r: reload,
  });
  const every = refresh === 0 ? 'off' : formatDuration(refresh);
  return (
    <div className={classes.timebar} role="toolbar" aria-label="Time range">
      <div className={classes.joined}>
        <TimeButton label="Earlier (←)" icon={<IconChevronLeft size={15} />} onClick={() => shift(-1)} />
        <RangePicker />
        <TimeButton label="Later (→)" icon={<IconChevronRight size={15} />} onClick={() => shift(1)} />
      </div>
      <TimeButton label="Zoom out (-)" icon={<IconZoomOut size={15} />} onClick={zoomOut} />
      <div className={classes.joined}>
        <TimeButton label="Refresh (r)" icon={<IconRefresh size={15} />} onClick={reload} />
        <Menu position="bottom-end">
          <Menu.Target>
            <ActionIcon
              variant="default"
              aria-label={`Refresh automatically: ${every}`}
              w={refresh === 0 ? 24 : 'auto'}
              px={refresh === 0 ? 0 : 8}
            >
              {refresh > 0 && <span style={{ fontSize: 12, marginRight: 4 }}>{every}</span>}
              <IconChevronDown size={13} aria-hidden="true" />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>Refresh automatically</Menu.Label>
            {REFRESH_CHOICES.map((ms) => (
              <Menu.Item key={ms} onClick={() => setRefresh(ms)} fw={ms === refresh ? 700 : 400}>
                {ms === 0 ? 'Off' : `Every ${formatDuration(ms)}`}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </div>
      <CopyLink />
    </div>
  );
}

function TimeButton({ label, icon, onClick }: { label: string; icon: React.ReactNode; onClick: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" aria-label={label.replace(/ \(.*$/, '')} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  );
}
