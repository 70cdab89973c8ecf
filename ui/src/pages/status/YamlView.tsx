import { yaml } from '@codemirror/lang-yaml';
import { foldGutter } from '@codemirror/language';
import { EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { useLayoutEffect, useRef } from 'react';
import { styleNonce } from '../../api/base';
import { codeColours, codeLook } from '../../promql/look';
import classes from './status.module.css';

/** YAML to read: coloured, numbered, foldable. */
export function YamlView({ text }: { text: string }) {
  const parent = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (parent.current === null) return;
    const extensions = [
      EditorView.cspNonce.of(styleNonce),
      EditorView.editable.of(false),
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ 'aria-label': 'Configuration', tabindex: '0' }),
      lineNumbers(),
      foldGutter(),
      yaml(),
      codeColours,
      codeLook,
    ];
    const view = new EditorView({ state: EditorState.create({ doc: text, extensions }), parent: parent.current });
    return () => view.destroy();
  }, [text]);
  return <div className={classes.yaml} ref={parent} />;
}
