/** Where the gateways keep, for a day, the values behind the names of a conversation; who erases it knows the place, and nothing more. */
import { createHash } from 'node:crypto';

/** On the event bus. */
export const PII_BUCKET = 'mcp_pii';

/** Whose, and of which conversation: what somebody else asks for under the same id is not there. */
export interface VaultPlace {
  readonly owner: string;
  readonly conversation_id: string;
}

/** What an entry is encrypted with beside its text. */
export function vaultBinding({ owner, conversation_id }: VaultPlace): string {
  return JSON.stringify([owner, conversation_id]);
}

/** Key of the entry in the bucket. */
export function vaultKey(place: VaultPlace): string {
  return createHash('sha256').update(vaultBinding(place)).digest('hex');
}
