/** One source that was tried, and why it gave nothing. */
export interface SourceFailure {
  readonly source: string;
  readonly reason: string;
}

/** No source had the asset. The message names each of them. */
export class AssetError extends Error {
  override readonly name = 'AssetError';
  readonly failures: readonly SourceFailure[];

  constructor(asset: string, failures: readonly SourceFailure[]) {
    super(
      [`${asset} cannot be had:`, ...failures.map(({ source, reason }) => `  ${source}: ${reason}`)].join(
        '\n',
      ),
    );
    this.failures = failures;
  }
}
