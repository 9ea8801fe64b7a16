/** Kinds of personal data and secrets, the strongest evidence first: where two overlap, the one above wins. */

export const PII_KINDS = [
  'secret',
  'crypto_address',
  'iban',
  'email',
  'national_id',
  'credit_card',
  'passport',
  'mac_address',
  'ip_address',
  'date_of_birth',
  'phone',
  'address',
  'person',
  'location',
] as const;
export type PiiKind = (typeof PII_KINDS)[number];

/** A part of a text that is personal; `end` is the index after its last code unit. */
export interface Span {
  readonly kind: PiiKind;
  readonly start: number;
  readonly end: number;
}
