/** A transparency log in files, and what its readers check: C2SP tlog-tiles, checkpoints and signed notes, RFC 9162 proofs. */
export { checkLog, type LogVerdict } from './check.ts';
export { type Checkpoint, openCheckpoint } from './checkpoint.ts';
export { type CopyBatch, LogCopy, type Taken } from './copy.ts';
export { type Disk, folderDisk, syncAt } from './disk.ts';
export { type LogSigners, LogUnavailableError, TransparencyLog } from './log.ts';
export { leafHash, provesConsistency, provesInclusion } from './merkle.ts';
export {
  decodeNote,
  decodeVerifier,
  encodeNote,
  encodeVerifier,
  type Signature,
  type Signer,
  signerOf,
  signersOf,
  type Verifier,
  verifierOf,
} from './note.ts';
export { openProof } from './proof.ts';
export { checkpointBy, LogReader } from './reader.ts';
export { rebuildLog } from './rebuild.ts';
export { LogDamagedError } from './tile-store.ts';
export { bundlePath, decodeBundle, encodeBundle, firstOf, partOf, TILE_WIDTH } from './tiles.ts';
export { encodeSubmission, judgeSubmission } from './witness.ts';
