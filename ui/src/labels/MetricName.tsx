import { Fragment } from 'react';

/** The name of a metric that breaks between its words where it has to. */
export function MetricName({ name }: { name: string }) {
  const words = name.split(/(?<=[_:])/);
  return words.map((word, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the words of a name stay in their order, and may repeat
    <Fragment key={place}>
      {place > 0 && <wbr />}
      {word}
    </Fragment>
  ));
}
