import { isIPv6 } from 'node:net';
import { extractIBAN, isValidIBAN } from 'ibantools';
import { findPhoneNumbersInText } from 'libphonenumber-js/min';
import { hasSecret, withoutSecrets } from './secrets.ts';

/** Characters that are looked at; a text with more is tagged `unread` beside what was found. */
const MAX_CHARS = 200_000;

/** Groups of digits that are held against the telephone plans; each takes some 0.1 ms. */
const MAX_PHONE_CANDIDATES = 400;

/** Kinds of personal data and secrets that are found. */
export type PiiTag = 'email' | 'phone' | 'credit_card' | 'iban' | 'ip_address' | 'secret' | 'unread';

// Every pattern is linear: no nested quantifiers over the same characters.
const EMAIL = /[\w.+%-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}/i;
const PHONE = /(?<![\w.])[+(]{0,2}\d[\d ()./-]{5,24}\d(?!\w)/g;
const CARD = /(?<![\d.])\d(?:[ -]?\d){12,18}(?!\d|\.\d)/g;
const IBAN = /\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b/g;
const IPV4 = /(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\d|\.\d)/;
const IPV6 = /(?<![\w:.])[0-9a-f]{1,4}:[0-9a-f:]{2,35}[0-9a-f](?![\w:])/gi;

/**
 * Kinds of personal data in a text (blueprint phase F), sorted, without the data. Cards are checked by Luhn,
 * IBANs by their check digits, telephone numbers by their country's plan. Names and addresses are not found.
 */
export function piiTags(text: string): PiiTag[] {
  const read = text.slice(0, MAX_CHARS);
  const tags = new Set<PiiTag>();
  if (EMAIL.test(read)) tags.add('email');
  const phones = lookForPhone(read);
  if (phones === 'found') tags.add('phone');
  if ([...read.matchAll(CARD)].some(([match]) => passesLuhn(match.replace(/\D/g, ''))))
    tags.add('credit_card');
  if ([...read.matchAll(IBAN)].some(([match]) => hasIban(match))) tags.add('iban');
  if (IPV4.test(read) || [...read.matchAll(IPV6)].some(([match]) => isAddress(match))) tags.add('ip_address');
  if (hasSecret(read)) tags.add('secret');
  if (text.length > MAX_CHARS || phones === 'too-many') tags.add('unread');
  return [...tags].sort();
}

/**
 * The text with its personal data taken out, each by the name of its kind. What lies beyond what is read is left out too,
 * and beyond so many candidates every group of digits is taken for a telephone number.
 */
export function redactPii(text: string): string {
  let phones = 0;
  const isPhone = (match: string) =>
    ++phones > MAX_PHONE_CANDIDATES || findPhoneNumbersInText(match, { defaultCountry: 'US' }).length > 0;
  return withoutSecrets(text.slice(0, MAX_CHARS), '[secret]')
    .replace(new RegExp(EMAIL, 'gi'), '[email]')
    .replace(CARD, (match) => (passesLuhn(match.replace(/\D/g, '')) ? '[credit_card]' : match))
    .replace(IBAN, (match) => (hasIban(match) ? '[iban]' : match))
    .replace(new RegExp(IPV4, 'g'), '[ip_address]')
    .replace(IPV6, (match) => (isAddress(match) ? '[ip_address]' : match))
    .replace(PHONE, (match) => (isPhone(match) ? '[phone]' : match));
}

/** Numbers without a country code are read as those of the United States. */
function lookForPhone(text: string): 'found' | 'none' | 'too-many' {
  let looked = 0;
  for (const [match] of text.matchAll(PHONE)) {
    if (++looked > MAX_PHONE_CANDIDATES) return 'too-many';
    if (findPhoneNumbersInText(match, { defaultCountry: 'US' }).length > 0) return 'found';
  }
  return 'none';
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

/** Words of code such as `A::b` read as short addresses too: one without a digit is taken for code. */
function isAddress(match: string): boolean {
  return /\d/.test(match) && isIPv6(match);
}

/** The match may have swallowed the word after it: shorter readings count too. */
function hasIban(match: string): boolean {
  const parts = match.split(' ');
  return parts.some((_, dropped) => {
    const candidate = extractIBAN(parts.slice(0, parts.length - dropped).join('')).iban;
    return candidate !== undefined && isValidIBAN(candidate);
  });
}
