/** How the store is on disk. Times are in milliseconds since 1970, sizes in bytes. */
export interface StorageDetails {
  storeId: string;
  path: string;
  /** `always`, `segment`, or `interval 1000ms`. */
  syncMode: string;
  /** Why samples are refused at the moment. */
  refusesWrites: string | null;
  freeBytes: number | null;
  minFreeBytes: number;
  /** Taken for upkeep on a full disk; 0 while it is used. */
  reserveBytes: number;
  /** The server holds back because its last starts did not go well. */
  safeMode: boolean;
  /** So many starts shortly before this one. */
  failedStarts: number;
  /** Parts, log and checkpoint. */
  usedBytes: number;
  log: {
    segments: number;
    bytes: number;
    lastSeq: number;
    syncedSeq: number;
    unsyncedBytes: number;
    syncs: number;
    syncSeconds: number;
    failures: number;
  };
  checkpointBytes: number;
  /** Since the start. */
  ingest: { samples: number; lateSamples: number; refusedSamples: number; series: number };
  head: {
    series: number;
    /** Those that are not in parts yet. */
    samples: number;
    chunks: number;
    minTime: number | null;
    maxTime: number | null;
    memoryBytes: number;
    memoryBudgetBytes: number | null;
  };
  /** Oldest first. */
  parts: StoragePart[];
  tombstones: { parts: number; intervals: number };
  retention: {
    timeMs: number | null;
    bytes: number | null;
    outOfOrderWindowMs: number;
    partsRetired: number;
  };
  upkeep: {
    rounds: number;
    lastRun: number | null;
    lastTookSeconds: number;
    lastError: string | null;
    partsCut: number;
    partsMerged: number;
    partsRewritten: number;
    partsRetired: number;
    failures: number;
  };
  recovery: Recovery;
  /** What is kept of damage, also of earlier starts; some of it may be just what a crash left at the end of the log. */
  quarantine: { files: number; damagedFiles: number; bytes: number };
  /** Damaged places found since the start. */
  corruptions: number;
}

export interface StoragePart {
  id: number;
  /** 0: cut from memory; else how often it was merged. */
  level: number;
  minTime: number;
  maxTime: number;
  bytes: number;
  samples: number;
  series: number;
  chunks: number;
  bytesPerSample: number;
  memoryBytes: number;
  deletedIntervals: number;
  /** The parts that it was merged from. */
  sources: number[];
}

/** What was found when the store was opened. */
export interface Recovery {
  clean: boolean;
  logFrames: number;
  samples: number;
  series: number;
  samplesOrphaned: number;
  framesMissing: number;
  problems: StorageProblem[];
}

export interface StorageProblem {
  kind: string;
  path: string;
  /** What is wrong, with the place. */
  what: string;
  /** Where it was moved or copied to. */
  quarantined: string | null;
}
