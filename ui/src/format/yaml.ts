/** A text as a YAML scalar that means nothing but itself. */
export function yamlText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: only double quotes can hold these
  return /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]/.test(text)
    ? JSON.stringify(text)
    : `'${text.replace(/'/g, "''")}'`;
}
