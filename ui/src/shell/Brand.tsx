/** The bell, in the brand's colour. */
export function Brand({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="6 4 20 25" aria-hidden="true" fill="var(--bw-brand)">
      <path d="M16 5.500a1.600 1.600 0 0 1 1.600 1.600v.9c3.500.7 5.900 3.700 5.900 7.300v3.400c0 .9.4 1.800 1 2.500l.6.6c.8.9.2 2.200-1 2.200H7.900c-1.200 0-1.800-1.300-1-2.200l.6-.6c.6-.7 1-1.600 1-2.500v-3.400c0-3.600 2.400-6.600 5.900-7.300v-.9A1.600 1.600 0 0 1 16 5.500z" />
      <circle cx="16" cy="26" r="2.300" />
    </svg>
  );
}
