export function YamlView() {
  return null;
}
