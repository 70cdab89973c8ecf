import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ErrorCard } from './ErrorCard';
import { Loading } from './Loading';

interface AnswerProps<T> {
  query: UseQueryResult<T>;
  /** The height in px of what stands here before the first answer. */
  height: number;
  /** What is being waited for, for those who do not see it. */
  loading?: string;
  children(data: T): ReactNode;
}

/** What the server answers, and above it why it does not; the last answer stays then. */
export function Answer<T>({ query, height, loading, children }: AnswerProps<T>) {
  const { data, error, isPending, refetch } = query;
  return (
    <>
      {error !== null && <ErrorCard error={error} onRetry={() => void refetch()} />}
      {isPending && <Loading height={height} {...(loading !== undefined && { label: loading })} />}
      {data !== undefined && children(data)}
    </>
  );
}
