/** Texts under the data key of their conversation, each bound to its place. */
import { decrypt, encrypt } from '@mcp/service-kit';

/** The key of one conversation. */
export interface DataKey {
  readonly id: string;
  /** 256 bits. */
  readonly bytes: Buffer;
}

/** Where a text belongs: it cannot be read as anything else. */
export interface TextPlace {
  readonly conversation_id: string;
  readonly purpose: 'record' | 'title' | 'settings' | 'input' | 'output' | 'body' | 'comment' | 'events';
  /** Among those of its purpose: the number of a record, the id of an answer, a run. A comment is at the record of its decision. */
  readonly position: string | number;
}

const PREFIX = 'mcp1.';

/** `mcp1.<id of the data key>.<base64url>`. */
export function encryptText(key: DataKey, place: TextPlace, text: string): string {
  return `${PREFIX}${key.id}.${encrypt(key.bytes, Buffer.from(text), bindingOf(key, place))}`;
}

/** Undefined: it was changed, moved from another place, or encrypted under another key. */
export function decryptText(key: DataKey, place: TextPlace, encrypted: string): string | undefined {
  const start = `${PREFIX}${key.id}.`;
  if (!encrypted.startsWith(start)) return undefined;
  return decrypt(key.bytes, encrypted.slice(start.length), bindingOf(key, place))?.toString();
}

/** Whether a text that is JSON where it is in the clear is encrypted. */
export function isEncrypted(text: string): boolean {
  return text.startsWith(PREFIX);
}

function bindingOf(key: DataKey, { conversation_id, purpose, position }: TextPlace): string {
  return JSON.stringify([PREFIX, key.id, conversation_id, purpose, position]);
}
