import { EditorView } from '@codemirror/view';

/**
 * Replaces selected text itself instead of leaving that to the browser. Chromium, when it replaces coloured text, writes
 * the old colour into a style attribute of what it inserts; the Content-Security-Policy refuses that and reports it.
 */
export const replaceSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    const text = event.data;
    if (event.inputType !== 'insertText' || text === null || empty || view.composing) return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(text), { userEvent: 'input.type', scrollIntoView: true });
    // Others may want to do more with it: closing brackets wraps the selection, for instance.
    const handled = view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert));
    if (!handled) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});
