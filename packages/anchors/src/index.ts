/** Checkpoints of a transparency log at places outside the platform, by which a log that was changed is found. */
export type { Anchor, AnchoredName } from './anchor.ts';
export { openPlace } from './place.ts';
export { openAnchor } from './registry.ts';
export type { AnchorSettings } from './settings.ts';
