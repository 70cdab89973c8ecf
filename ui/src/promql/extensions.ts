import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching, LRLanguage } from '@codemirror/language';
import { type Diagnostic, linter, lintKeymap } from '@codemirror/lint';
import { type Extension, Prec, StateEffect, StateField } from '@codemirror/state';
import { drawSelection, EditorView, keymap, placeholder, tooltips } from '@codemirror/view';
import type { PrometheusClient } from '@prometheus-io/codemirror-promql/dist/esm/client';
// Straight from their files: the package's front door brings an HTTP client and a cache that we do not use.
import { HybridLint } from '@prometheus-io/codemirror-promql/dist/esm/lint/hybrid';
import { parser } from '@prometheus-io/lezer-promql';
import { styleNonce } from '../api/base';
import { promqlCompletion } from './completion';
import { codeColours, codeLook } from './look';
import type { ErrorSpan } from './position';
import { replaceSelection } from './replaceSelection';

const LINT_DELAY_MS = 250;

/** Tells the editor what the server said about the expression; undefined for nothing. */
export const setServerError = StateEffect.define<ErrorSpan | undefined>();

/** The server's complaint. It ends with the next change of the text, which is no longer the one it was about. */
const serverError = StateField.define<ErrorSpan | undefined>({
  create: () => undefined,
  update(value, transaction) {
    for (const effect of transaction.effects) if (effect.is(setServerError)) return effect.value;
    return transaction.docChanged ? undefined : value;
  },
});

const checkClientSide = new HybridLint().promQL();

const promql = LRLanguage.define({
  parser,
  languageData: {
    closeBrackets: { brackets: ['(', '[', '{', "'", '"', '`'] },
    commentTokens: { line: '#' },
  },
});

/** The grammar's findings; the server's word instead, where there is one, since it decides. */
async function diagnose(view: EditorView): Promise<readonly Diagnostic[]> {
  const error = view.state.field(serverError);
  if (error !== undefined) {
    const end = view.state.doc.length;
    return [{ ...error, from: Math.min(error.from, end), to: Math.min(error.to, end), severity: 'error' }];
  }
  if (view.state.doc.toString().trim() === '') return [];
  return checkClientSide(view);
}

export interface EditorEvents {
  run(): void;
  change(text: string): void;
  focus(): void;
}

/** Everything that makes a plain text field a PromQL editor. */
export function promqlEditor(label: string, client: PrometheusClient, events: EditorEvents): Extension {
  const run = (view: EditorView) => {
    closeCompletion(view);
    events.run();
    return true;
  };
  return [
    EditorView.cspNonce.of(styleNonce),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'off' }),
    history(),
    drawSelection(),
    replaceSelection,
    bracketMatching(),
    closeBrackets(),
    placeholder('PromQL expression, for example rate(http_requests_total[5m])'),
    tooltips({ position: 'fixed' }),
    promql,
    promql.data.of({ autocomplete: promqlCompletion(client) }),
    autocompletion({ icons: false, maxRenderedOptions: 100 }),
    serverError,
    linter(diagnose, {
      delay: LINT_DELAY_MS,
      needsRefresh: (update) => update.startState.field(serverError) !== update.state.field(serverError),
    }),
    codeColours,
    codeLook,
    // Ctrl+Enter runs even while suggestions are open; Enter then takes a suggestion, and runs otherwise.
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run }])),
    keymap.of([
      { key: 'Tab', run: acceptCompletion },
      ...completionKeymap,
      { key: 'Enter', run, shift: insertNewlineAndIndent },
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...lintKeymap,
    ]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) events.change(update.state.doc.toString());
      if (update.focusChanged && update.view.hasFocus) events.focus();
    }),
  ];
}
