/** Keys and tokens by the form that their issuers give them, and passwords by what stands before them. */
import { secretsIn } from '../../secrets.ts';
import type { Recogniser } from '../recogniser.ts';

const PEM =
  /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\w+/=\s:,.-]{0,16000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g;
const NAMED = /pass|pwd|secret|key|token|kennwort|contraseña|wachtwoord/i;

export const secrets: readonly Recogniser[] = [
  {
    name: 'Keys and tokens',
    kind: 'secret',
    checked: 'the forms of their issuers; by the name before them, those that look drawn at random',
    needs: { run: 16 },
    find: secretsIn,
  },
  {
    name: 'Private keys',
    kind: 'secret',
    checked: 'PEM, from its first line to its last',
    needs: { char: '-----' },
    pattern: PEM,
  },
  {
    name: 'Passwords and keys that are named',
    kind: 'secret',
    checked: 'the word before, six characters or more',
    needs: { run: 6, cue: NAMED },
    pattern: /(?<![^\s"'=:,;(){}<>])(?=[^\s"',;<>{}()=:]{0,100}[\d!$%&#*?])[^\s"',;<>{}()=:]{6,128}={0,2}/g,
    context:
      /(?<![a-z])(?:pass(?:word|wd|phrase)?|pwd|secret(?:[_ -]?key)?|api[_ -]?key|access[_ -]?(?:key|token)|auth[_ -]?token|client[_ -]?secret|kennwort|passwort|contraseña|mot de passe|wachtwoord)["']?(?:\s{0,3}[:=]|(?: is| ist| est| es)[:]?)\s{0,3}["']?$/i,
  },
  {
    name: 'Passwords in addresses',
    kind: 'secret',
    checked: 'user:password@ in a URL',
    needs: { char: '@', cue: /:\/\// },
    pattern: /(?<=\b[a-z][a-z+]{1,10}:\/\/[\w.%-]{1,64}:)[^\s:@/"'<>]{3,128}(?=@)/gi,
  },
];
