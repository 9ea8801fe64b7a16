/** Where people are reached by machines: addresses of mail, of networks and of devices. */
import { isIPv6 } from 'node:net';
import type { Recogniser } from '../recogniser.ts';

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const MAC_PAIRS = /[\da-f]{2}[:-][\da-f]{2}[:-]|[\da-f]{4}\.[\da-f]{4}/i;
/** Of nobody: this machine, none, all. */
const NOBODYS = /^(?:127\.|0\.0\.0\.0$|255\.255\.255\.255$|::1?$)/;

const PRINTABLE = /^[ -~\s]*$/;

/** Most long words are no base64 of a text: the first nine characters tell. */
function isMailInBase64(match: string): boolean {
  const read = (part: string) => Buffer.from(part, 'base64').toString('latin1');
  if (!PRINTABLE.test(read(match.slice(0, 12)))) return false;
  const text = read(match);
  return PRINTABLE.test(text) && /[\w.+-]@(?:[a-z\d-]{1,63}\.){1,8}[a-z]{2,24}/i.test(text);
}

export const network: readonly Recogniser[] = [
  {
    name: 'E-mail address',
    kind: 'email',
    checked: 'a domain with a top level of letters',
    needs: { char: '@' },
    pattern:
      /(?<![\w.+%'-])[\w.+%'-]{1,256}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?\.){1,8}(?:\p{L}{2,24}|xn--[a-z0-9-]{2,59})/giu,
  },
  {
    name: 'E-mail address in a URL',
    kind: 'email',
    checked: 'the same with %40 for the @',
    needs: { cue: /%40/ },
    pattern: /(?<![\w.+%'-])[\w.+%'-]{1,256}%40(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.){1,8}[a-z]{2,24}/gi,
  },
  {
    name: 'E-mail address in base64',
    kind: 'email',
    checked: 'what it stands for is text with an e-mail address',
    needs: { run: 12 },
    pattern: /(?<![\w+/=-])[\w+/-]{12,1024}={0,2}(?![\w+/=-])/g,
    holds: (match) => isMailInBase64(match),
  },
  {
    name: 'IPv4 address',
    kind: 'ip_address',
    checked: 'four octets; not those of nobody, such as 127.0.0.1',
    needs: { digits: 4 },
    pattern: new RegExp(`(?<![\\d.]|[vV])(?:${OCTET}\\.){3}${OCTET}(?!\\d|\\.\\d)`, 'g'),
    holds: (match) => !NOBODYS.test(match),
  },
  {
    name: 'IPv6 address',
    kind: 'ip_address',
    checked: 'RFC 4291, with at least one digit',
    needs: { char: ':', digits: 1 },
    pattern: /(?<![\w:.])(?:::)?[0-9a-f]{1,4}:[0-9a-f:]{2,35}[0-9a-f](?:\.[\d.]{5,11}\d)?(?![\w:])/gi,
    // Words of code such as `A::b` read as short addresses too: one without a digit is taken for code.
    holds: (match) => /\d/.test(match) && isIPv6(match) && !NOBODYS.test(match),
  },
  {
    name: 'MAC address',
    kind: 'mac_address',
    checked: 'six octets; not the one of all',
    needs: { run: 14, cue: MAC_PAIRS },
    pattern:
      /(?<![\w:.-])(?:[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?![\w:-])/gi,
    holds: (match) => !/^(?:ff|00|[:.-])+$/i.test(match),
  },
];
