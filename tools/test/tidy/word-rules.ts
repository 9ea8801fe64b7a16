import type { TextFile, Violation } from './source.ts';

/** The page that says which word means what, and which words are not used for it. */
const GLOSSARY = 'docs/glossary.md';
/** What is kept as it was written, what others wrote, and what names the words to refuse them. */
const EXEMPT =
  /^docs\/(glossary\.md|decisions\/)|(^|\/)package-lock\.json$|^LICENSE$|^tools\/(tidy\.test\.ts|test\/tidy\/)/;

/** Words of the glossary's last column, in lower case. */
function retiredWords(files: readonly TextFile[]): string[] {
  const page = files.find(({ path }) => path === GLOSSARY)?.text ?? '';
  return page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => (line.split('|')[3] ?? '').split(','))
    .map((word) => word.trim().toLowerCase())
    .filter((word) => word !== '' && word !== 'not' && word !== '---');
}

/** No file uses a word that the glossary retired: as a word, or as a part of a name in camelCase or snake_case. */
export function glossaryWords(files: readonly TextFile[]): Violation[] {
  const words = retiredWords(files);
  if (words.length === 0)
    return [{ rule: 'glossary', path: GLOSSARY, message: 'is missing, or retires no word' }];
  const pattern = new RegExp(`(?<![a-z])(${words.join('|')})(?![a-z])`);
  return files
    .filter(({ path }) => !EXEMPT.test(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, at) => {
        const found = pattern.exec(spaced(line))?.[1];
        return found === undefined
          ? []
          : [
              {
                rule: 'glossary',
                path,
                line: at + 1,
                message: `says '${found}': ${GLOSSARY} has the word for it`,
              },
            ];
      }),
    );
}

/** Names taken apart into their words, in lower case. */
function spaced(line: string): string {
  return line.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
}
