import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { piiTags, redactPii } from '../src/index.ts';
import { Pseudonyms } from '../src/pii/pseudonyms.ts';
import { ALL_KINDS, PiiReader, piiIn } from '../src/pii/reader.ts';
import { Redactor, redacted } from '../src/pii/redact.ts';

/** A number that passes its checks, the same with one digit or letter wrong, and a text around both. */
const IDS: readonly (readonly [string, string, string, string])[] = [
  ['US Social Security', '536-22-1234', '666-22-1234', 'it is X'],
  ['US Social Security, digits', '536221234', '000221234', 'my SSN is X'],
  ['US ITIN', '912-70-1234', '912-40-1234', 'filed under X'],
  ['UK National Insurance', 'AB 12 34 56 C', 'BG 12 34 56 C', 'his is X'],
  ['UK NHS', '943 476 5919', '943 476 5918', 'the NHS patient X'],
  ['DE Steuer-ID', '86 095 742 719', '86 095 742 718', 'Steuer-ID X'],
  ['FR NIR', '2 55 08 14 168 025 38', '2 55 08 14 168 025 39', 'son numéro est X'],
  ['ES DNI', '12345678Z', '12345678A', 'DNI X'],
  ['ES NIE', 'X1234567L', 'X1234567T', 'NIE X'],
  ['IT codice fiscale', 'RSSMRA85T10A562S', 'RSSMRA85T10A562T', 'codice X'],
  ['NL BSN', '111222333', '111222334', 'mijn BSN is X'],
  ['PL PESEL', '44051401359', '44051401358', 'PESEL X'],
  ['PT NIF', '123456789', '123456788', 'NIF X'],
  ['BE Rijksregister', '85.07.30-033.28', '85.07.30-033.29', 'nummer X'],
  ['SE personnummer', '811228-9874', '811228-9873', 'personnummer X'],
  ['FI henkilötunnus', '131052-308T', '131052-308U', 'tunnus X'],
  ['CA SIN', '130 692 544', '130 692 545', 'her social insurance number X'],
  ['AU TFN', '123 456 782', '123 456 783', 'tax file number X'],
  ['IN Aadhaar', '2341 2341 2346', '2341 2341 2347', 'aadhaar X'],
  ['BR CPF', '529.982.247-25', '529.982.247-26', 'CPF X'],
];

const OTHERS: readonly (readonly [string, string])[] = [
  ['mac_address', 'the card 3c:07:54:6b:8f:21 is new'],
  ['date_of_birth', 'she was born on 14 March 1979'],
  ['date_of_birth', 'geboren am 3.4.1980'],
  ['date_of_birth', 'né le 12 août 1975'],
  ['passport', 'passport number C01X00T47'],
  ['crypto_address', 'send it to 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2'],
  ['crypto_address', 'or to bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'],
  ['crypto_address', 'or to 0x52908400098527886E0F7030069857D2E4169EE7'],
  ['secret', 'the password is hunter2!'],
  ['secret', 'postgres://mcp:pa55word@db.example.org/mcp'],
  ['address', 'he lives at 742 Evergreen Terrace'],
  ['address', 'sie wohnt in der Schillerstraße 12'],
  ['address', 'il habite 12 rue de la Paix'],
  ['address', 'vive en la calle Mayor 7'],
  ['phone', 'ring 030 901820 at noon'],
  ['address', 'meet me at the corner of Mill Lane and Station Road'],
  ['email', 'https://example.org/?to=ada%40example.net&x=1'],
  ['email', `sent as ${Buffer.from('From: ada@example.org').toString('base64')}`],
  ['email', `sent as "${Buffer.from('<ada@example.org>').toString('base64url')}"`],
  ['person', 'My name is Maria Schneider.'],
  ['person', 'Sehr geehrter Herr Grünwald, vielen Dank.'],
];

describe('recognisers', () => {
  it.each(IDS)('know a number of %s by its checks', (_, right, wrong, text) => {
    expect(piiTags(text.replace('X', right))).toContain('national_id');
    expect(piiTags(text.replace('X', wrong))).not.toContain('national_id');
  });

  it.each(OTHERS)('find %s in %j', (kind, text) => {
    expect(piiTags(text)).toContain(kind);
  });

  it.each([
    'Kubernetes and Docker run on Linux; Kafka, Redis and PostgreSQL do too.',
    'bind to 127.0.0.1 or ::1',
    'send 1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3 or bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
    'order 1234567890 of 2026-11-29, ticket 4711',
    'the meeting is on 14 March 1979',
    'ISBN 978-3-16-148410-0',
    'see RFC 9110, section 15.5.1, lines 100-2000',
    'and aGVsbG8gd29ybGQgb2YgYmFzZTY0 is text without an address',
    'released * 2020-01-02, NATO 12/03/2020, il ne part que le 12 mars 2024',
  ])('find nothing in %j', (text) => {
    expect(piiTags(text)).toEqual([]);
  });
});

describe('days of birth', () => {
  const SAYS = [
    ['born on', 'DOB:', 'date of birth', 'birthday:', 'b-day', 'She was born', '(b.'],
    ['geboren am', 'Geburtsdatum:', 'geb.', '(*'],
    [
      'né le',
      'née le',
      'date de naissance :',
      'nacido el',
      'fecha de nacimiento:',
      'nato il',
      'data di nascita:',
    ],
    [
      'geboortedatum:',
      'data de nascimento:',
      'nasceu a',
      'data urodzenia:',
      'ur.',
      'född',
      'født',
      'syntynyt',
    ],
    ['datum narození:', 'született', 'rođen', 'rojena', 'născut', 'doğum tarihi:'],
  ].flat();
  const DATES = [
    '14 March 1979',
    '14th of March, 1979',
    'March 14th, 1979',
    '14-Mar-1979',
    '1979-03-14',
    '1979. 03. 14',
    '19790314',
    '14.3.1979',
    '14. 3. 1979',
    '03/14/1979',
    '3/14/79',
    '14 marca 1979',
    '14 de março de 1979',
    '14. maaliskuuta 1979',
    '14 de marzo de 1979',
    '14 maj 1979',
  ];

  it('are found in every form after every word for them', () => {
    const missed = SAYS.flatMap((says) =>
      DATES.filter((date) => !redactPii(`${says} ${date}, as it says`).includes('<DATE_OF_BIRTH_1>, as')).map(
        (date) => `${says} ${date}`,
      ),
    );
    expect(missed).toEqual([]);
  });

  it('are none where no word says so', () => {
    expect(
      DATES.filter((date) => piiTags(`the meeting is on ${date}, as it says`).includes('date_of_birth')),
    ).toEqual([]);
  });
});

describe('tricks of Unicode', () => {
  it.each([
    ['credit_card', 'card ４１１１ １１１１ １１１１ １１１１'],
    ['credit_card', 'card 4111\u200b1111\u200d1111\u20601111'],
    ['credit_card', 'card ٤١١١١١١١١١١١١١١١'],
    ['email', 'to аdа@exаmple.org'],
    ['email', 'to ada＠example。org'],
    ['email', 'to a\u00add\u00ada@example.org'],
    ['iban', 'to DE89–3704–0044–0532–0130–00'],
    ['ip_address', 'at 𝟣𝟫𝟤.𝟣𝟨𝟪.𝟣𝟩.𝟦'],
  ])('do not hide %s in %j', (kind, text) => {
    expect(piiTags(text)).toEqual([kind]);
    expect(redactPii(text)).toMatch(/^\w+ <[A-Z_]+_1>$/);
  });
});

const PIECES = [
  'Write to ada.lovelace@example.org or call +49 30 901820, please. ',
  'My card is 4111 1111 1111 1111. ',
  'DE89 3704 0044 0532 0130 00 ',
  '{"mail":"b.c@example.com","card":4111111111111111,"note":"at 192.168.17.4"}',
  'ghp_0123456789abcdefghijklmnopqrstuvwxyzAB\n',
  'Maria Schneider lives at 742 Evergreen Terrace, Springfield.\n',
  'the quick brown fox jumps over the lazy dog and ',
  'born on 14 March 1979, SSN 536-22-1234; ',
  '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n',
  '𝟣𝟫𝟤.𝟣𝟨𝟪.𝟣𝟩.𝟦 👩‍🚀 ',
  `${'A'.repeat(600)} `,
  '漢字かな13812345678と',
];
const text = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 5 }).map((all) => all.join(''));

/** Cuts a text at random places. */
function pieces(whole: string, cuts: readonly number[]): string[] {
  const at = [...new Set(cuts.map((cut) => Math.floor(cut * whole.length)))].sort((a, b) => a - b);
  return [0, ...at].map((from, i) => whole.slice(from, at[i] ?? whole.length));
}
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), { maxLength: 60 });

describe('a text in pieces', () => {
  it('loses the same as the whole, in 5,000 ways of cutting', () => {
    const ways = fc.array(cuts, { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(text, ways, fc.boolean(), (whole, all, json) => {
        const options = () => ({ pseudonyms: new Pseudonyms(), kinds: ALL_KINDS, json });
        const expected = redacted(whole, options());
        for (const at of all) {
          const redactor = new Redactor(options());
          const out = pieces(whole, at).map((piece) => redactor.push(piece));
          expect(`${out.join('')}${redactor.end()}`).toBe(expected);
        }
      }),
      { numRuns: 250 },
    );
  });

  it('keeps nothing that it was made of', () => {
    fc.assert(
      fc.property(text, (whole) => {
        const out = redacted(whole, { pseudonyms: new Pseudonyms() });
        for (const value of [
          'ada.lovelace',
          '901820',
          '1111 1111',
          '0044 0532',
          'b.c@',
          '168.17',
          'ghp_',
          'MIIEv',
          '22-1234',
        ])
          expect(out).not.toContain(value);
      }),
      { numRuns: 200 },
    );
  });

  it('waits for at most a window, and for a token that has not ended', () => {
    const reader = new PiiReader();
    for (const piece of 'Aaaa, BBB-12; '.repeat(400).match(/[\s\S]{1,7}/g) ?? []) {
      for (const _ of reader.push(piece));
      expect(reader.held).toBeLessThanOrEqual(512);
    }
    const token = new PiiReader();
    for (let i = 0; i < 60; i++) for (const _ of token.push('A1b2'.repeat(250)));
    expect(token.held).toBeLessThanOrEqual(16_384 + 1024);
  });

  it('gives the characters back that nothing is found in, as they were', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), cuts, (whole, at) => {
        const reader = new PiiReader();
        const parts = [...pieces(whole, at).flatMap((piece) => [...reader.push(piece)]), ...reader.end()];
        expect(parts.map((part) => part.text).join('')).toBe(whole);
        for (const { start, end } of piiIn(whole)) expect(start).toBeLessThan(end);
      }),
      { numRuns: 200 },
    );
  });
});

describe('JSON', () => {
  const scalar = fc.oneof(
    fc.constantFrom(...PIECES),
    fc.string(),
    fc.constantFrom(4111111111111111, -4111111111111111, 12, 1.5, 536221234),
    fc.boolean(),
  );
  const value = fc.object({ maxDepth: 2, values: [scalar], key: fc.constantFrom('a', 'ssn', 'my "card"') });

  it('stays valid, whatever is taken out', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(0, 1), (object, indent) => {
        const out = redacted(JSON.stringify(object, null, indent), {
          pseudonyms: new Pseudonyms(),
          json: true,
        });
        expect(() => JSON.parse(out)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  it('hides nothing in its escapes', () => {
    const out = redacted('{"to":"ada\\u0040example.org","n":4111111111111111}', {
      pseudonyms: new Pseudonyms(),
      json: true,
    });
    expect(JSON.parse(out)).toEqual({ to: '<EMAIL_1>', n: '<CREDIT_CARD_1>' });
  });
});

describe('names of values', () => {
  it('are the same for the same value, in whatever text of a conversation', () => {
    const options = { pseudonyms: new Pseudonyms() };
    const first = redacted('a@example.org, b@example.org, A@example.org', options);
    expect(first).toBe('<EMAIL_1>, <EMAIL_2>, <EMAIL_1>');
    expect(redacted('again b@example.org', options)).toBe('again <EMAIL_2>');
  });
});
