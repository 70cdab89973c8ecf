import type { Rule } from '../api/alerting';
import { yamlText } from '../format/yaml';
import type { Labels } from '../labels/labels';
import { formatDuration } from '../time/duration';

/** A rule as a rule file has it, to be taken along to one. */
export function ruleYaml(rule: Rule): string {
  const alerting = rule.type === 'alerting' ? rule : undefined;
  const seconds = (name: string, value = 0) => (value === 0 ? [] : [`  ${name}: ${formatDuration(value * 1000)}`]);
  return [
    `- ${alerting ? 'alert' : 'record'}: ${scalar(rule.name)}`,
    `  expr: ${scalar(rule.query)}`,
    ...seconds('for', alerting?.duration),
    ...seconds('keep_firing_for', alerting?.keepFiringFor),
    ...mapping('labels', rule.labels),
    ...mapping('annotations', alerting?.annotations),
  ].join('\n');
}

function mapping(name: string, texts: Labels = {}): string[] {
  const lines = Object.entries(texts).map(([key, text]) => `    ${scalar(key)}: ${scalar(text)}`);
  return lines.length === 0 ? [] : [`  ${name}:`, ...lines];
}

/** Bare where that is certain to be read as the text that it is. */
function scalar(text: string): string {
  const bare = /^[A-Za-z_]([\w./ ()-]*[\w)])?$/.test(text);
  const other = /^(?:true|false|yes|no|on|off|null|y|n)$/i.test(text);
  return bare && !other ? text : yamlText(text);
}
