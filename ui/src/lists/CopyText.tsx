import { CopyButton } from './CopyButton';
import classes from './lists.module.css';

/** Text to take away, with a button that does it. */
export function CopyText({ text, label }: { text: string; label: string }) {
  return (
    <div className={classes.copy}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: text that may scroll has to be reachable by keyboard */}
      <pre className={classes.copyText} tabIndex={0}>
        {text}
      </pre>
      <CopyButton text={text} label={label} className={classes.copyButton} />
    </div>
  );
}
