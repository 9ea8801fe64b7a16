export interface HeldLock {
  /** Says that the owner still works, for those that wait. */
  touch(): void;
  release(): void;
}
export function takeLock(path: string, options: { readonly silent_ms: number }): HeldLock | undefined;
