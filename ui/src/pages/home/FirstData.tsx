import { type Icon, IconCircleCheckFilled, IconCloudUpload, IconFlask, IconTarget } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { serverAddress } from '../../api/base';
import { api } from '../../api/client';
import { plural } from '../../format/value';
import { CopyText } from '../../lists/CopyText';
import type { Arrivals } from './arrival';
import classes from './home.module.css';

interface FirstDataProps {
  arrived: Arrivals;
  demo: boolean;
  /** Nothing is here yet, so this is the first thing to see. */
  first: boolean;
}

const RECEIVER_FLAG = 'web.enable-remote-write-receiver';

/** Three ways in. Each shows itself done when data has come that way. */
export function FirstData({ arrived, demo, first }: FirstDataProps) {
  const flags = useQuery({ queryKey: ['flags'], queryFn: ({ signal }) => api.flags(signal), staleTime: 60_000 });
  const closed = flags.data?.[RECEIVER_FLAG] === 'false';
  const cards = (
    <div className={classes.cards}>
      <Card icon={IconTarget} title="Scrape a target" done={arrived.scraped > 0 && plural(arrived.scraped, 'target')}>
        <p>Add this to the configuration file and reload. Any prometheus.yml works as it is.</p>
        <CopyText label="the scrape configuration" text={SCRAPE} />
      </Card>
      <Card icon={IconCloudUpload} title="Send remote write" done={pushedText(arrived)}>
        <p>
          Add this to a Prometheus or an agent that already collects.
          {closed && ` This server accepts it once it runs with --${RECEIVER_FLAG}.`}
        </p>
        <CopyText
          label="the remote write configuration"
          text={`remote_write:\n  - url: ${serverAddress}/api/v1/write`}
        />
      </Card>
      <Card icon={IconFlask} title="Look at the demo" done={demo && 'running'}>
        <p>Five made-up platforms with hours of history, in a folder of their own. Your data stays out of it.</p>
        <CopyText label="the demo command" text="bellwether demo" />
      </Card>
    </div>
  );
  if (first) {
    return (
      <section aria-labelledby="first-data">
        <h2 className={classes.heading} id="first-data">
          Get the first data in
        </h2>
        {cards}
      </section>
    );
  }
  return (
    <details className={classes.details}>
      <summary>Add more data</summary>
      {cards}
    </details>
  );
}

function pushedText({ pushed, writes }: Arrivals): string | false {
  if (pushed > 0) return plural(pushed, 'sender');
  return writes > 0 && plural(writes, 'request');
}

const SCRAPE = `scrape_configs:
  - job_name: node
    static_configs:
      - targets: ['localhost:9100']`;

interface CardProps {
  icon: Icon;
  title: string;
  /** What has arrived, or false while nothing has. */
  done: string | false;
  children: ReactNode;
}

function Card({ icon: CardIcon, title, done, children }: CardProps) {
  return (
    <section className={`bw-panel ${classes.card} ${done === false ? '' : classes.done}`}>
      <h3 className={classes.cardTitle}>
        <CardIcon size={17} stroke={1.7} aria-hidden="true" />
        {title}
      </h3>
      {children}
      <p className={classes.cardState} role="status">
        {done === false ? (
          'Waiting for the first samples'
        ) : (
          <span className={classes.good}>
            <IconCircleCheckFilled size={14} aria-hidden="true" /> Arriving: {done}
          </span>
        )}
      </p>
    </section>
  );
}
