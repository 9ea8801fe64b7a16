import { extractIBAN, isValidIBAN } from 'ibantools';
import { findPhoneNumbersInText } from 'libphonenumber-js/min';

/** Characters that are looked at; what lies beyond is tagged as unread. */
const MAX_CHARS = 200_000;

/** Kinds of personal data and secrets that are found. */
export type PiiTag = 'email' | 'phone' | 'credit_card' | 'iban' | 'ip_address' | 'secret' | 'unread';

// Every pattern is linear: no nested quantifiers over the same characters.
const EMAIL = /[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/i;
const CARD = /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.])/g;
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}\b/g;
const IPV4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])/;
const IPV6 = /(?<![\w:])(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}(?![\w:])/i;
const SECRET =
  /\b(?:sk-[\w-]{20,}|mcp_[\w-]{43}|gh[pousr]_\w{36,}|xox[abprs]-[\w-]{10,}|AKIA[A-Z0-9]{16}|AIza[\w-]{35}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/;

/**
 * Kinds of personal data in a text (blueprint phase F), sorted, without the data. Cards are checked by Luhn,
 * IBANs by their check digits, telephone numbers by their country's plan. Names and addresses are not found.
 */
export function piiTags(text: string): PiiTag[] {
  const read = text.slice(0, MAX_CHARS);
  const tags = new Set<PiiTag>();
  if (EMAIL.test(read)) tags.add('email');
  if (findPhoneNumbersInText(read, { defaultCountry: 'US' }).length > 0) tags.add('phone');
  if ([...read.matchAll(CARD)].some(([match]) => passesLuhn(match.replace(/\D/g, ''))))
    tags.add('credit_card');
  if ([...read.matchAll(IBAN)].some(([match]) => hasIban(match))) tags.add('iban');
  if (IPV4.test(read) || IPV6.test(read)) tags.add('ip_address');
  if (SECRET.test(read)) tags.add('secret');
  if (text.length > MAX_CHARS) tags.add('unread');
  return [...tags].sort();
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    const doubled = i % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return digits.length >= 13 && digits.length <= 19 && sum % 10 === 0 && !/^0+$/.test(digits);
}

/** The match may have swallowed the word after it: shorter readings count too. */
function hasIban(match: string): boolean {
  const parts = match.split(' ');
  return parts.some((_, dropped) => {
    const candidate = extractIBANText(parts.slice(0, parts.length - dropped).join(''));
    return candidate !== undefined && isValidIBAN(candidate);
  });
}

function extractIBANText(text: string): string | undefined {
  return extractIBAN(text).iban;
}
