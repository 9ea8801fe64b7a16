/** Keys, tokens and passwords by the form that their issuers give them, or by the name that stands before them. */

/** Forms that nothing else has. Linear: no nested quantifiers over the same characters. */
const FORMS = [
  // Models
  'sk-[\\w-]{20,}',
  'mcp_[\\w-]{43}',
  'hf_\\w{34}',
  'gsk_\\w{40,}',
  'AIza[\\w-]{35}',
  // Clouds
  '(?:AKIA|ASIA|AGPA|AROA|AIPA|ANPA|ANVA|A3T[A-Z0-9])[A-Z0-9]{16}',
  'amzn\\.mws\\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  'ya29\\.[\\w-]{20,}',
  'GOCSPX-[\\w-]{28}',
  'AAAA[\\w-]{7}:[\\w-]{100,}',
  'dop_v1_[0-9a-f]{64}',
  'dt0[a-zA-Z]\\d\\d\\.[A-Z0-9]{24}\\.[A-Z0-9]{64}',
  'NR(?:AK|AA|RA|II|IQ|SP)-[\\w-]{27,}',
  'hvs\\.[\\w-]{24,}',
  'glsa_\\w{32,}',
  // Where code lives
  'gh[pousr]_\\w{36,}',
  'github_pat_\\w{60,}',
  'glpat-[\\w-]{20,}',
  'npm_\\w{36}',
  'pypi-[\\w-]{50,}',
  'oy2[a-z0-9]{43}',
  'dckr_pat_[\\w-]{27}',
  'hawk\\.[\\w-]{20}\\.[\\w-]{20}',
  // Messages and mail
  'xox[abeoprs]-[\\w-]{10,}',
  'xapp-\\d-[\\w-]{20,}',
  'SG\\.[\\w-]{22}\\.[\\w-]{43}',
  'key-[0-9a-zA-Z]{32}',
  '[0-9a-f]{32}-us\\d{1,2}',
  'https://hooks\\.slack\\.com/services/T\\w{6,}/B\\w{6,}/\\w{20,}',
  'https://discord(?:app)?\\.com/api/webhooks/\\d+/[\\w-]{20,}',
  'https://outlook\\.office\\.com/webhook/[\\w@-]+/IncomingWebhook/[\\w-]+/[\\w-]+',
  'https://(?:www\\.)?hooks\\.zapier\\.com/hooks/catch/\\w+/\\w+',
  // Money and trade
  '[rs]k_(?:live|test)_\\w{20,}',
  'whsec_\\w{24,}',
  'shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}',
  'sq0[a-z]{3}-[\\w-]{22,}',
  'access_token\\$production\\$[0-9a-z]{16}\\$[0-9a-f]{32}',
  // Others
  'secret_\\w{43}',
  'ntn_\\w{40,}',
  'lin_api_\\w{40}',
  'RGAPI-[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}',
  'EAACEdEose0cBA[0-9A-Za-z]{20,}',
  'eyJ[\\w-]{10,}\\.eyJ[\\w-]{10,}\\.[\\w-]{10,}',
  'AGE-SECRET-KEY-1[A-Z0-9]{58}',
  'SK[0-9a-f]{32}',
  'R_[0-9a-f]{32}',
];
const FORMED = new RegExp(`\\b(?:${FORMS.join('|')})`, 'g');

/** What stands after a name that says it is secret, or as the password of an address. */
const NAMED =
  /(?:secret|token|passw(?:or)?d|api_?-?key|access_?-?key|private_?-?key|credentials?)[\w-]{0,24}["']?\s{0,3}[:=]>?\s{0,3}["'`]?([\w+/~$!%^*-]{16,200})|\b[a-z][a-z0-9+]{1,20}:\/\/[\w.%+-]{0,64}:([^\s:/@]{8,200})@[\w.-]/dgi;

const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/g;

/** Characters without a blank between them, enough for a secret: most of a text is read by this alone. */
const RUN = /(?<![\w$.:+/@%!~^*=?&-])[\w$.:+/@%!~^*=?&-]{16,}/g;
/** Characters before a run in which its name may stand. */
const NAME_CHARS = 64;

/** Bits per character from which a value looks drawn at random: names, words and paths of code have fewer. */
const RANDOM_BITS = 3.2;
/** Places from which letters and digits stand side by side as they do where they are drawn: a name has a version at its end. */
const MIXED = 3;

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where they stand; some may overlap. */
export function* secretsIn(text: string): Generator<Span> {
  for (const { 0: match, index } of text.matchAll(PRIVATE_KEY))
    yield { from: index, to: index + match.length };
  for (const { 0: run, index } of text.matchAll(RUN)) {
    for (const { 0: match, index: at } of run.matchAll(FORMED))
      yield { from: index + at, to: index + at + match.length };
    if (!/\d/.test(run)) continue;
    const begin = Math.max(0, index - NAME_CHARS);
    for (const { indices } of text.slice(begin, index + run.length).matchAll(NAMED)) {
      const [from, to] = indices?.[1] ?? indices?.[2] ?? [0, 0];
      if (looksRandom(text.slice(begin + from, begin + to))) yield { from: begin + from, to: begin + to };
    }
  }
}

function looksRandom(value: string): boolean {
  if ((value.match(/[a-z](?=\d)|\d(?=[a-z])/gi)?.length ?? 0) < MIXED) return false;
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits >= RANDOM_BITS;
}

/** The text without them. */
export function withoutSecrets(text: string, instead: string): string {
  let out = '';
  let at = 0;
  for (const { from, to } of [...secretsIn(text)].sort((a, b) => a.from - b.from)) {
    if (from >= at) out += text.slice(at, from) + instead;
    at = Math.max(at, to);
  }
  return out + text.slice(at);
}

export function hasSecret(text: string): boolean {
  return secretsIn(text).next().done !== true;
}
