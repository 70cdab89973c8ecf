import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { RawSearch } from '../url/codec';
import { rangeCodec } from '../url/range';

/** Every page that there is. */
export type PagePath =
  | '/'
  | '/alerts'
  | '/slos'
  | '/slos/$id'
  | '/rules'
  | '/rules/$name'
  | '/silences'
  | '/routing'
  | '/notifications'
  | '/receivers'
  | '/runbooks/$name'
  | '/explore'
  | '/metrics/'
  | '/metrics/$name'
  | '/system/targets'
  | '/system/storage'
  | '/system/cardinality'
  | '/system/packs'
  | '/system/status';

export interface Destination {
  to: PagePath;
  params?: { name: string } | { id: string };
  /** The page's own part of the URL; the time range is kept. */
  search?: RawSearch;
}

/** The time range of the current page, to be taken along to the next. */
function keepRange(previous: RawSearch): RawSearch {
  return Object.fromEntries(Object.entries(previous).filter(([key]) => rangeCodec.keys.includes(key)));
}

const target = ({ to, params, search }: Destination) => ({
  to,
  params: params ?? {},
  search: (previous: RawSearch) => ({ ...keepRange(previous), ...search }),
});

interface PageLinkProps extends Destination {
  children: ReactNode;
  className?: string | undefined;
  title?: string;
  'aria-label'?: string;
  onClick?: (() => void) | undefined;
  /** Only the page itself counts as "here", not the pages below it. */
  exact?: boolean;
}

/** A link to a page that keeps the time range. Marks itself when it leads to where the user is. */
export function PageLink({ to, params, search, children, exact = false, ...rest }: PageLinkProps) {
  const destination: Destination = { to, ...(params && { params }), ...(search && { search }) };
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return (
    <Link
      {...target(destination)}
      {...given}
      activeOptions={{ exact, includeSearch: false }}
      activeProps={{ 'aria-current': 'page' }}
    >
      {children}
    </Link>
  );
}

/** Goes to a page, keeping the time range. */
export function useGo(): (destination: Destination) => void {
  const navigate = useNavigate();
  return (destination) => void navigate(target(destination));
}
