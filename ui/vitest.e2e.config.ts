import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Pictures are taken last, when the programs that this run started have been scraped for a while. */
class PicturesLast extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const late = (file: TestSpecification) => Number(file.moduleId.endsWith('screenshots.e2e.ts'));
    return files.toSorted((a, b) => late(a) - late(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}

export default defineConfig({
  test: {
    include: ['e2e/**/*.e2e.ts'],
    environment: 'node',
    fileParallelism: false,
    sequence: { sequencer: PicturesLast },
    // A loaded machine of two cores draws slowly; what hangs is still found.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
