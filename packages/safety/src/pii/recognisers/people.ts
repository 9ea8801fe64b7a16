/** What belongs to one person without being a number of a state: telephones and passports. */
import { isValidPhoneNumber } from 'libphonenumber-js/min';
import { digitsOf } from '../checksums.ts';
import type { Around, Recogniser } from '../recogniser.ts';

/** Words that say a telephone number comes, or came. */
const CALLED =
  /(?<!\p{L})(?:call(?:ed|ing)?|phones?|telephones?|tel|mobile|mob|cell(?:ular)?|fax|desk|office|home|work|sms|texts?|texting|dial(?:led)?|ring|reach|whats ?app|signal|hotline|handy|telefon\p{L}{0,8}|rufnummer|mobil\p{L}{0,6}|anruf\p{L}{0,4}|t[ée]l[ée]phone|appel\p{L}{0,4}|portable|tel[ée]fono|m[óo]vil|llam\p{L}{0,5}|cellulare|chiam\p{L}{0,5}|telefoon|telem[óo]vel|ligue|messages?|registered|answering|contact|alerts?|otp)(?!\p{L})|[☎📞]/iu;
const CALLED_CHARS = 40;
const CALLED_AFTER = /^[\s,.:)(-]{0,3}(?:office|fax|mobile|cell|phone|home|work|desk|tel)\b/i;
/** What has a number of that many digits and is called by nobody. */
const NO_PHONE =
  /(?:\b(?:order|invoice|ticket|issue|account|acct|ref(?:erence)?|id|isbn|issn|version|v|port|year|page|line|pid|build|rfc|doi|pmid|case|part|serial|timestamp|epoch|bytes?)\b[ .:#]{0,4}(?:no\.?|number|nr\.?|is)?[ :#]{0,3}|[#$€£¥=/_\\.+*^-])$/i;
/** `YYYY-MM-DD`, `DD.MM.YYYY`, years from and to, and times. */
const DATE =
  /^(?:(?:19|20)\d\d[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:0?[1-9]|[12]\d|3[01])(?!\d)|(?:0?[1-9]|[12]\d|3[01])[-./ ](?:0?[1-9]|[12]\d|3[01])[-./ ](?:19|20)\d\d(?!\d)|(?:19|20)\d\d ?[-/] ?(?:19|20)\d\d$)/;
/** How numbers of North America are written, given or not. */
const NANP = /^(?:(?:\+|00)?1[-. ]?)?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-. ]\d{4}/;
/** Numbers of whichever country, as people write them inside it. */
const MOST_LIKELY = ['US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'IN'] as const;

function isPhone(match: string, { before, after }: Around): boolean {
  const digits = digitsOf(match.replace(/(?:x|ext\.?) ?\d{1,6}$/i, '')).length;
  if (DATE.test(match)) return false;
  if (match.startsWith('+')) return digits >= 8 && digits <= 15;
  if (digits < 6 || digits > 15 || NO_PHONE.test(before)) return false;
  if (CALLED.test(before.slice(-CALLED_CHARS)) || CALLED_AFTER.test(after)) return true;
  if (digits < 9) return false;
  if (NANP.test(match)) return true;
  // A number of digits alone is anything: an order, a moment, an amount.
  if (/^\d+$/.test(match) && !match.startsWith('0')) return false;
  return MOST_LIKELY.some((country) => isValidPhoneNumber(match, country));
}

export const people: readonly Recogniser[] = [
  {
    name: 'Telephone number',
    kind: 'phone',
    checked: "the plans of eight countries, the form of North America's, a leading +, or context",
    needs: { digits: 6 },
    pattern:
      /(?<![\w.+]|\d[-/ ])(?:\+ ?|\(\+?|\+\()?\d(?:[ ()./-]{0,3}\d){5,16}(?: ?(?:x|ext\.?) ?\d{1,6})?(?![\w]|[-.:/]\d|%| ?[€$£])/g,
    holds: isPhone,
  },
  {
    name: 'Passport number',
    kind: 'passport',
    checked: 'a digit, and context in six languages',
    needs: { digits: 5, cue: /pass?/i },
    pattern: /(?<![\w-])(?=[A-Z]{0,3}\d)[A-Z\d]{6,10}(?![\w-])/gi,
    context:
      /(?:passport|reisepass|passnummer|passeport|pasaporte|passaporto|paspoort|passaporte)[^\n]{0,24}$/iu,
  },
  {
    name: 'Machine-readable passport',
    kind: 'passport',
    checked: 'check digit of the number (ICAO 9303)',
    needs: { digits: 15, run: 44 },
    pattern: /(?<!\w)[A-Z\d<]{9}\d[A-Z<]{3}\d{7}[MFX<]\d{7}[A-Z\d<]{14}[\d<]\d(?!\w)/g,
    holds: (match) => mrzDigit(match.slice(0, 9)) === Number(match[9]),
  },
];

function mrzDigit(field: string): number {
  const value = (char: string) => (char === '<' ? 0 : Number.parseInt(char, 36));
  return Array.from(field).reduce((sum, char, at) => sum + value(char) * ([7, 3, 1][at % 3] ?? 0), 0) % 10;
}
