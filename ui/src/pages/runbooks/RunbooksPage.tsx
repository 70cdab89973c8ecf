import { Button } from '@mantine/core';
import { IconBook2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useMemo } from 'react';
import { AnnotationText } from '../../alerting/Runbook';
import { api } from '../../api/client';
import { ApiError } from '../../api/error';
import { RULES_QUERY } from '../../api/queries';
import { PageLink, useGo } from '../../nav/links';
import { useUrlState } from '../../nav/useUrlState';
import { Panel } from '../../panel/Panel';
import { QueryText } from '../../promql/QueryText';
import { PageHeader } from '../../shell/PageHeader';
import { EmptyState } from '../../states/EmptyState';
import { ErrorCard } from '../../states/ErrorCard';
import { Loading } from '../../states/Loading';
import { slosCodec } from '../../url/alerting';
import { packsCodec, runbooksCodec } from '../../url/pages';
import { type Block, type Piece, parseRunbooks, type Section } from './runbook';
import classes from './runbooks.module.css';

/** What to do when an alert of a pack fires: the section that is meant, and the way to the others. */
export function RunbooksPage() {
  const { name } = useParams({ from: '/runbooks/$name' });
  const [{ of }] = useUrlState(runbooksCodec);
  const go = useGo();
  const query = useQuery({
    queryKey: ['runbooks', name],
    queryFn: ({ signal }) => api.runbooks(name, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const page = useMemo(() => (query.data === undefined ? undefined : parseRunbooks(query.data)), [query.data]);
  const missing = query.error instanceof ApiError && query.error.status === 404;
  const meant = page?.sections.filter(({ anchor }) => of === '' || anchor === of) ?? [];
  const shown = meant.length > 0 ? meant : (page?.sections ?? []);
  const [only] = shown.length === 1 ? shown : [];
  return (
    <>
      <PageHeader title={only?.heading ?? page?.title ?? name} note={only && page?.title}>
        {only !== undefined && (
          <Button onClick={() => go({ to: '/runbooks/$name', params: { name } })}>All runbooks of the pack</Button>
        )}
        <Button onClick={() => go({ to: '/system/packs', search: packsCodec.encode({ pack: name, tab: 'alerts' }) })}>
          The pack
        </Button>
      </PageHeader>
      {query.isPending && <Loading height={320} />}
      {missing && (
        <EmptyState
          icon={IconBook2}
          title="There are no such runbooks"
          action={<Button onClick={() => go({ to: '/system/packs' })}>All packs</Button>}
        >
          Only those of packs that come with the program can be read here.
        </EmptyState>
      )}
      {query.error !== null && !missing && <ErrorCard error={query.error} onRetry={() => void query.refetch()} />}
      {page !== undefined && only === undefined && <Blocks blocks={page.lead} pack={name} of={page.title} />}
      {shown.map((section) => (
        <SectionPanel key={section.anchor} section={section} pack={name} alone={only !== undefined} />
      ))}
    </>
  );
}

interface SectionPanelProps {
  section: Section;
  pack: string;
  /** The page has its heading. */
  alone: boolean;
}

function SectionPanel({ section, pack, alone }: SectionPanelProps) {
  return (
    <Panel title={alone ? 'What to do' : section.heading} note={<Subject name={section.heading} />}>
      <Blocks blocks={section.blocks} pack={pack} of={section.heading} />
    </Panel>
  );
}

/** The way to what a section is about: a rule, or else an objective, whose rules have other names. */
function Subject({ name }: { name: string }) {
  const { data: groups } = useQuery(RULES_QUERY);
  if (groups === undefined) return null;
  if (groups.some(({ rules }) => rules.some((rule) => rule.name === name))) {
    return (
      <PageLink to="/rules/$name" params={{ name }}>
        the rule
      </PageLink>
    );
  }
  if (!groups.some(({ rules }) => rules.some(({ labels }) => labels?.slo === name))) return <>not evaluated here</>;
  return (
    <PageLink to="/slos" search={slosCodec.encode({ f: name })}>
      the objective
    </PageLink>
  );
}

function Blocks({ blocks, pack, of }: { blocks: readonly Block[]; pack: string; of: string }) {
  return (
    <div className={classes.blocks}>
      {blocks.map((block, place) => {
        if (block.kind === 'text') {
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a text stay where they are
            <p key={place}>
              <Pieces pieces={block.pieces} pack={pack} />
            </p>
          );
        }
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: as above
          <ol key={place}>
            {block.steps.map((step, number) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <li key={number}>
                <Step step={step} pack={pack} label={`check ${number + 1} of ${of}`} />
              </li>
            ))}
          </ol>
        );
      })}
    </div>
  );
}

/** A step; one that ends in a query leads to Explore. */
function Step({ step, pack, label }: { step: readonly Piece[]; pack: string; label: string }) {
  const last = step.at(-1);
  if (last?.kind !== 'code') return <Pieces pieces={step} pack={pack} />;
  return (
    <>
      <Pieces pieces={step.slice(0, -1)} pack={pack} />
      <QueryText expr={last.text} label={label} />
    </>
  );
}

function Pieces({ pieces, pack }: { pieces: readonly Piece[]; pack: string }) {
  return pieces.map((piece, place) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a line stay where they are
    <PieceText key={place} piece={piece} pack={pack} />
  ));
}

function PieceText({ piece, pack }: { piece: Piece; pack: string }) {
  if (piece.kind === 'strong') return <strong>{piece.text}</strong>;
  if (piece.kind === 'code') return <code>{piece.text}</code>;
  if (piece.kind !== 'link') return piece.text;
  const [, other = pack, heading = ''] = /^(?:([\w-]+)\.md)?(?:#(.*))?$/.exec(piece.to) ?? [];
  if (piece.to.startsWith('#') || /^[\w-]+\.md/.test(piece.to)) {
    return (
      <PageLink to="/runbooks/$name" params={{ name: other }} search={runbooksCodec.encode({ of: heading })}>
        {piece.text}
      </PageLink>
    );
  }
  return /^https?:/.test(piece.to) ? <AnnotationText text={piece.to} /> : piece.text;
}
