import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Colours of code, by token; shared by the query editor and the YAML view. */
export const codeColours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.variableName, tags.propertyName], color: 'var(--bw-code-name)' },
    { tag: tags.function(tags.variableName), color: 'var(--bw-code-function)' },
    { tag: [tags.operatorKeyword, tags.modifier, tags.keyword, tags.logicOperator], color: 'var(--bw-code-keyword)' },
    { tag: tags.labelName, color: 'var(--bw-code-label)' },
    { tag: tags.string, color: 'var(--bw-code-string)' },
    { tag: [tags.number, tags.bool, tags.null], color: 'var(--bw-code-number)' },
    { tag: [tags.operator, tags.arithmeticOperator, tags.punctuation], color: 'var(--bw-code-operator)' },
    { tag: [tags.paren, tags.brace, tags.squareBracket], color: 'var(--bw-code-operator)' },
    { tag: tags.comment, color: 'var(--bw-code-comment)', fontStyle: 'italic' },
  ]),
);

const popup = {
  border: '1px solid var(--bw-border-strong)',
  borderRadius: 'var(--bw-radius)',
  background: 'var(--bw-raised)',
  boxShadow: 'var(--bw-shadow)',
  color: 'var(--bw-text-main)',
  fontSize: 'var(--bw-text-sm)',
};

/**
 * A zigzag line below a mistake, drawn as a background. A text decoration would not do: when such text is replaced, the
 * browser itself writes the decoration into a style attribute, which the Content-Security-Policy forbids.
 */
function zigzag(colour: string) {
  const stroke = (angle: string) => `linear-gradient(${angle}, transparent 44%, ${colour} 44% 56%, transparent 56%)`;
  return {
    backgroundImage: `${stroke('45deg')}, ${stroke('-45deg')}`,
    backgroundPosition: '0 100%, 3px 100%',
    backgroundRepeat: 'repeat-x',
    backgroundSize: '6px 3px',
    paddingBottom: '2px',
  };
}

export const codeLook = EditorView.theme({
  '&': { color: 'var(--bw-text-main)', fontSize: 'var(--bw-text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--bw-mono)', lineHeight: '20px' },
  '.cm-content': { padding: '3px 0', caretColor: 'var(--bw-text-strong)' },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--bw-text-strong)' },
  '.cm-placeholder': { color: 'var(--bw-text-dim)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { background: 'var(--bw-select-fill) !important' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { background: 'var(--bw-selected)', outline: 'none' },
  '.cm-gutters': { background: 'transparent', color: 'var(--bw-text-dim)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { background: 'transparent' },
  '.cm-tooltip': popup,
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--bw-mono)', maxHeight: '300px', minWidth: '320px' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px', lineHeight: '20px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': {
    background: 'var(--bw-accent-fill)',
    color: 'var(--bw-on-accent)',
  },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionDetail': { marginLeft: '12px', fontStyle: 'normal', opacity: '0.85' },
  '.cm-tooltip.cm-completionInfo': { ...popup, maxWidth: '380px', padding: '6px 10px', fontFamily: 'var(--bw-font)' },
  '.cm-lintRange-error': zigzag('var(--bw-bad)'),
  '.cm-lintRange-warning, .cm-lintRange-info': zigzag('var(--bw-warn)'),
  '.cm-diagnostic': { padding: '4px 10px' },
  '.cm-diagnostic-error': { borderLeft: '3px solid var(--bw-bad)' },
  '.cm-diagnostic-warning': { borderLeft: '3px solid var(--bw-warn)' },
});
