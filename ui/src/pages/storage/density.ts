import { formatCount } from '../../format/value';

/** Bytes per sample: differences of a hundredth count. */
export function density(bytesPerSample: number): string {
  return bytesPerSample < 100 ? bytesPerSample.toFixed(2) : formatCount(bytesPerSample);
}
