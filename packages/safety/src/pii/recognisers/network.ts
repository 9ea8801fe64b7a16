/** Where people are reached by machines: addresses of mail, of networks and of devices. */
import { isIPv6 } from 'node:net';
import type { Recogniser } from '../recogniser.ts';

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const MAC_PAIRS = /[\da-f]{2}[:-][\da-f]{2}[:-]|[\da-f]{4}\.[\da-f]{4}/i;
/** Of nobody: this machine, none, all. */
const NOBODYS = /^(?:127\.|0\.0\.0\.0$|255\.255\.255\.255$|::1?$)/;

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
