import { Kbd, Modal } from '@mantine/core';
import { Fragment } from 'react';
import { KEY_HELP } from '../nav/keys';
import classes from './shell.module.css';

/** What the keys do. */
export function KeyHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Keys" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className={classes.keys}>
        {KEY_HELP.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([name, meaning]) => (
                <Fragment key={name}>
                  <dt>
                    {name.split(' ').map((key) => (
                      <Kbd key={key} size="xs" mr={3}>
                        {key}
                      </Kbd>
                    ))}
                  </dt>
                  <dd>{meaning}</dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
