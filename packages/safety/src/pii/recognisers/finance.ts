/** Accounts, cards and wallets. */
import { createHash } from 'node:crypto';
import { extractIBAN, isValidIBAN } from 'ibantools';
import { digitsOf, luhn } from '../checksums.ts';
import type { Recogniser } from '../recogniser.ts';

export const finance: readonly Recogniser[] = [
  {
    name: 'Payment card',
    kind: 'credit_card',
    checked: 'Luhn; 12 digits with context only',
    needs: { digits: 12 },
    pattern: /(?<![\d.]|\d[ -])\d(?:[ -]?\d){11,18}(?!\d|\.\d|[ -]\d)/g,
    holds: (match, { before }) => {
      const digits = digitsOf(match);
      return (
        luhn(digits) &&
        (digits.length > 12 ||
          /\b(?:card|cc|credit|debit|visa|maestro|karte|carte|tarjeta|carta)\b/i.test(before))
      );
    },
  },
  {
    name: 'IBAN',
    kind: 'iban',
    checked: 'length and form of the country, mod 97',
    needs: { digits: 8 },
    pattern: /(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?!\w)/gi,
    holds: isIban,
    shorter,
  },
  {
    name: 'Bitcoin address',
    kind: 'crypto_address',
    checked: 'Base58Check (double SHA-256)',
    needs: { run: 26 },
    pattern: /(?<!\w)[13][1-9A-HJ-NP-Za-km-z]{25,34}(?!\w)/g,
    holds: isBase58Check,
  },
  {
    name: 'Bitcoin address, SegWit',
    kind: 'crypto_address',
    checked: 'Bech32 and Bech32m (BIP 173, 350)',
    needs: { run: 14, cue: /(?:bc|tb)1/i },
    pattern: /(?<!\w)(?:bc1|tb1)[02-9ac-hj-np-z]{11,71}(?!\w)/gi,
    holds: isBech32,
  },
  {
    name: 'Ethereum address',
    kind: 'crypto_address',
    checked: 'form alone',
    needs: { run: 42 },
    pattern: /(?<!\w)0x[0-9a-f]{40}(?!\w)/gi,
  },
];

function isIban(match: string): boolean {
  const found = extractIBAN(match.toUpperCase()).iban;
  return found !== undefined && isValidIBAN(found);
}

/** An IBAN may have swallowed the groups after it: its shorter readings, the longest first. */
function shorter(match: string): string[] {
  const ends = [...match.matchAll(/[ -]/g)].map(({ index }) => match.slice(0, index));
  return ends.reverse();
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

function isBase58Check(match: string): boolean {
  const value = Array.from(match).reduce((sum, char) => sum * 58n + BigInt(BASE58.indexOf(char)), 0n);
  const bytes = Buffer.from(value.toString(16).padStart(50, '0'), 'hex');
  if (bytes.length !== 25) return false;
  const sha = (of: Buffer) => createHash('sha256').update(of).digest();
  return sha(sha(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21));
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

function isBech32(match: string): boolean {
  const lower = match.toLowerCase();
  if (match !== lower && match !== match.toUpperCase()) return false;
  const prefix = lower.slice(0, 2);
  const values = [
    ...Array.from(prefix, (char) => char.charCodeAt(0) >> 5),
    0,
    ...Array.from(prefix, (char) => char.charCodeAt(0) & 31),
    ...Array.from(lower.slice(3), (char) => BECH32.indexOf(char)),
  ];
  const check = values.reduce((before, value) => {
    const top = before >>> 25;
    const next = ((before & 0x1ffffff) << 5) ^ value;
    return GENERATOR.reduce((sum, one, bit) => ((top >> bit) & 1 ? sum ^ one : sum), next);
  }, 1);
  return check === 1 || check === 0x2bc830a3;
}
