import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import classes from './states.module.css';

/** The server's remarks about an answer, which are shown and never dropped. */
export function Notices({ warnings, infos }: { warnings: readonly string[]; infos: readonly string[] }) {
  if (warnings.length + infos.length === 0) return null;
  return (
    <ul className={classes.notices} aria-label="Remarks of the server">
      {warnings.map((text) => (
        <li key={text} className={`${classes.notice} ${classes.warning}`}>
          <IconAlertTriangle size={14} aria-hidden="true" />
          <span>Warning: {text}</span>
        </li>
      ))}
      {infos.map((text) => (
        <li key={text} className={`${classes.notice} ${classes.info}`}>
          <IconInfoCircle size={14} aria-hidden="true" />
          <span>Note: {text}</span>
        </li>
      ))}
    </ul>
  );
}
