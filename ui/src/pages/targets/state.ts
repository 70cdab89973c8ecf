import type { SetOptions } from '../../nav/useUrlState';
import type { targetsCodec } from '../../url/pages';

export type TargetsState = ReturnType<typeof targetsCodec.decode>;
export type SetTargetsState = (patch: Partial<TargetsState>, options?: SetOptions) => void;
