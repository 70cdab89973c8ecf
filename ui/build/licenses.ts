import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'vite';

interface PackageFile {
  name?: string;
  version?: string;
  license?: string;
}

/** Writes the licence text of every package that went into the bundle to `assets/third-party-licenses.txt`. */
export function licenses(): Plugin {
  return {
    name: 'licenses',
    apply: 'build',
    generateBundle(_options, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
      const folders = new Set(modules.map(packageFolder).filter((folder) => folder !== undefined));
      const sections = [...folders].map(section).sort();
      this.emitFile({
        type: 'asset',
        fileName: 'assets/third-party-licenses.txt',
        source: `The web UI of Bellwether contains the following packages.\n\n${sections.join('\n\n')}\n`,
      });
    },
  };
}

/** The folder of the innermost package that a module belongs to. */
function packageFolder(moduleId: string): string | undefined {
  const path = moduleId.replace(/^\0/, '').replace(/\?.*$/, '');
  const match = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
  return match?.[1];
}

function section(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile;
  if (name === undefined) return section(dirname(folder));
  const title = `${name} ${version ?? ''} (${license ?? 'see below'})`;
  return `${'='.repeat(100)}\n${title}\n${'='.repeat(100)}\n\n${licenseText(folder, name)}`;
}

function licenseText(folder: string, name: string): string {
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length > 0) return texts.join('\n\n');
  // Some packages of one project carry the text only in their sibling.
  const known = FAMILIES.find(([prefix]) => name.startsWith(prefix));
  const sibling = known === undefined ? undefined : join(folder.slice(0, -name.length), known[1]);
  if (sibling !== undefined && existsSync(sibling)) return readFileSync(sibling, 'utf8').trim();
  throw new Error(`no licence text found for ${name}: add its family to build/licenses.ts`);
}

const FAMILIES: [prefix: string, file: string][] = [['react-remove-scroll-bar', 'react-remove-scroll/LICENSE']];
