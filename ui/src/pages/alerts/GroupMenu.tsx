import { Button, Menu } from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';
import classes from './alerts.module.css';

/** So many labels are offered, those of most alerts. */
const MOST_NAMES = 30;

interface GroupMenuProps {
  by: readonly string[];
  /** The labels that there are. */
  names: readonly string[];
  onChange(by: readonly string[]): void;
}

/** The labels by which alerts are grouped: any, or none. */
export function GroupMenu({ by, names, onChange }: GroupMenuProps) {
  const offered = [...new Set([...by, ...names])].slice(0, MOST_NAMES);
  const toggle = (name: string) => onChange(by.includes(name) ? by.filter((known) => known !== name) : [...by, name]);
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button rightSection={<IconSelector size={13} aria-hidden="true" />}>
          {by.length === 0 ? 'Not grouped' : `Grouped by ${by.join(', ')}`}
        </Button>
      </Menu.Target>
      <Menu.Dropdown className={classes.menu ?? ''}>
        {offered.map((name) => (
          <Menu.CheckboxItem key={name} checked={by.includes(name)} onChange={() => toggle(name)}>
            {name}
          </Menu.CheckboxItem>
        ))}
        {offered.length === 0 && <Menu.Item disabled>No labels yet</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
