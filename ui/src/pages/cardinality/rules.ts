import { yamlText } from '../../format/yaml';

/** Text that a relabelling rule shall match as it stands, as its regular expression, which is anchored anyway. */
export function literalRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}

const configs = (...lines: readonly string[]) => ['metric_relabel_configs:', ...lines].join('\n');

/** Drops all series that have a label with a value; `__name__` and a name for those of a metric. */
export function dropSeries(label: string, value: string): string {
  const source = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : yamlText(label);
  return configs(`- source_labels: [${source}]`, `  regex: ${yamlText(literalRegex(value))}`, '  action: drop');
}

/** Takes a label from all series. */
export function dropLabel(label: string): string {
  return configs(`- regex: ${yamlText(literalRegex(label))}`, '  action: labeldrop');
}

/** Takes a label from the series of one metric. */
export function dropLabelOf(metric: string, label: string): string {
  return configs(
    '- source_labels: [__name__]',
    `  regex: ${yamlText(literalRegex(metric))}`,
    `  target_label: ${yamlText(label)}`,
    "  replacement: ''",
  );
}
