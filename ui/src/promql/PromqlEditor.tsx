import { forceLinting } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { PrometheusClient } from '@prometheus-io/codemirror-promql/dist/esm/client';
import { useEffect, useLayoutEffect, useRef } from 'react';
import { promqlEditor, setServerError } from './extensions';
import type { ErrorSpan } from './position';
import classes from './promql.module.css';

interface PromqlEditorProps {
  label: string;
  value: string;
  client: PrometheusClient;
  /** What the server refused, at its place. */
  error: ErrorSpan | undefined;
  autoFocus?: boolean;
  onChange(text: string): void;
  onRun(): void;
  onFocus?: () => void;
  /** Hands out, and takes back, the way to write into the editor from outside. */
  onReady?: (insert: InsertText | undefined) => void;
}

/** Puts text where the cursor is, in place of what is selected, and the cursor behind it. */
export type InsertText = (text: string) => void;

/** A PromQL expression: suggestions from the live server, mistakes underlined, Ctrl+Enter runs. */
export function PromqlEditor(props: PromqlEditorProps) {
  const { value, error, label, client, autoFocus = false } = props;
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;

  useLayoutEffect(() => {
    if (parent.current === null) return;
    const events = {
      run: () => latest.current.onRun(),
      change: (text: string) => latest.current.onChange(text),
      focus: () => latest.current.onFocus?.(),
    };
    const state = EditorState.create({
      doc: latest.current.value,
      extensions: promqlEditor(label, client, events),
    });
    const created = new EditorView({ state, parent: parent.current });
    view.current = created;
    latest.current.onReady?.((text) => {
      created.dispatch(created.state.replaceSelection(text));
      created.focus();
    });
    return () => {
      latest.current.onReady?.(undefined);
      created.destroy();
      view.current = undefined;
    };
  }, [label, client]);

  useEffect(() => {
    if (autoFocus) view.current?.focus();
  }, [autoFocus]);

  // The text came from elsewhere: the history, a link, the browser's back button.
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === value) return;
    editor.dispatch({
      changes: { from: 0, to: editor.state.doc.length, insert: value },
      selection: { anchor: value.length },
    });
  }, [value]);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    editor.dispatch({ effects: setServerError.of(error) });
    forceLinting(editor);
  }, [error]);

  return <div className={classes.editor} data-invalid={error !== undefined || undefined} ref={parent} />;
}
