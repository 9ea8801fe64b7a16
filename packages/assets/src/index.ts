/** Programs and model weights: fetched once, checked, kept outside the checkout. */
export { cacheDir } from './cache-dir.mjs';
export { AssetError, type SourceFailure } from './errors.ts';
export { type AssetProgress, AssetStore, type AssetStoreOptions, type EnsureOptions } from './store.ts';
export { type Asset, assetTable } from './table.ts';
