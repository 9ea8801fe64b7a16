/** Words that contradictions are seen by: what denies, what speaks of all, and what is the opposite of what. English. */
import { stem } from './stem.ts';

/** Words that say nothing of what a claim is about. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  `a an the this that these those it its they them their he she his her we our you your i my me us who whom which what
  there here is are was were be been being am do does did done doing have has had having will would shall should can
  could may might must of in on at by for from to into onto with about as and or nor so than then too very also just if
  when where while because since over under during between among through per not no never none neither cannot without
  yes but however although though more most much many some any all every each other another such only own same both
  said says say according source sources answer study studies report reports found find finds shows show showed states
  stated reported concluded claims claimed argues argued suggests suggested estimates estimated approximately about
  roughly around nearly almost et al one two first second i.e e.g`.split(/\s+/),
);

export const NEGATORS: ReadonlySet<string> = new Set(
  `not no never none neither nor cannot without nobody nothing nowhere hardly barely lack lacks lacked lacking fail fails
  failed failing absence absent refuse refuses refused refutes refuted disproved debunked myth false incorrect untrue wrong
  insufficient inconclusive unsupported unproven contradicts contradicted disputes disputed rejects rejected denies denied
  unlikely ineligible`.split(/\s+/),
);
export const NEGATIVE_ENDING = /n't$/;
export const NOT_NEGATING: ReadonlySet<string> = new Set([
  'not only',
  'not just',
  'no doubt',
  'no longer only',
]);

export const UNIVERSAL: ReadonlyMap<string, 'all' | 'none'> = new Map([
  ...[
    'all',
    'every',
    'always',
    'everyone',
    'everything',
    'entirely',
    'completely',
    'unanimously',
    'fully',
  ].map((word) => [word, 'all'] as const),
  ...['none', 'never', 'nobody', 'nothing', 'no'].map((word) => [word, 'none'] as const),
]);

/** Opposites, the two sides of each pair by words that are alternatives. */
const OPPOSITES: readonly (readonly [string, string])[] = [
  [
    'increase rise rose risen grow grew growth gain climb surge expand expansion improve improvement accelerate boost boosts raise higher upward up outperform exceed doubled faster strengthen enhance enhances',
    'decrease decline fall fell fallen drop shrank shrink loss reduce reduction lower worsen slow slowed decelerate cut downward down underperform plunge halved slower weaken impair diminish contract deteriorate',
  ],
  [
    'benefit beneficial helpful help healthy advantage protective positive',
    'harm harmful damage damaging hurt unhealthy detrimental disadvantage negative toxic adverse hinder',
  ],
  ['safe safely harmless secure', 'unsafe dangerous hazardous risky harmful vulnerable insecure'],
  [
    'effective efficacy works successful success succeed',
    'ineffective useless unsuccessful failure fail failed',
  ],
  [
    'support supports endorse endorses favor favors recommend recommends recommended approve approved advocate backs backed agree',
    'oppose opposes opposed reject rejects rejected discourage advises against disapprove condemn deny denied disagree warn warns warned',
  ],
  [
    'allow allowed permit permitted legal lawful authorized mandatory required require requires',
    'forbid forbidden prohibit prohibited ban banned illegal unlawful unauthorized optional voluntary',
  ],
  ['cause causes caused causal', 'prevent prevents prevented unrelated independent coincidental'],
  [
    'significant significantly substantial strong strongly clear robust',
    'insignificant negligible minimal weak weakly modest null trivial',
  ],
  ['more greater larger most majority above exceeds over', 'less fewer smaller least minority below under'],
  ['before earlier prior', 'after later following'],
  [
    'true correct accurate valid confirmed confirm verified replicated',
    'false incorrect inaccurate invalid refuted disproved debunked myth retracted',
  ],
  ['possible feasible able viable', 'impossible infeasible unable unviable'],
  ['include includes included contains', 'exclude excludes excluded omits lacks'],
  ['present exists exist available', 'absent missing unavailable nonexistent'],
  [
    'enable enabled active on open opened started begin began',
    'disable disabled inactive off closed ended stopped',
  ],
  ['profit profitable surplus', 'loss unprofitable deficit'],
  ['innocent acquitted', 'guilty convicted'],
  ['win won winner victory', 'lose lost loser defeat'],
  ['hot warm warmer', 'cold cool cooler'],
  ['high', 'low'],
  ['same similar equal equivalent identical', 'different distinct unequal'],
  ['sustainable renewable stable', 'unsustainable nonrenewable unstable'],
  ['superior better best outperforms', 'inferior worse worst'],
  ['accept accepted adopt adopted', 'refuse refused abandoned rejected'],
  ['cheap cheaper inexpensive affordable saves', 'expensive costly costlier costs'],
  ['easy simple', 'difficult hard complex'],
  ['optimistic bullish', 'pessimistic bearish'],
  ['natural', 'artificial synthetic engineered laboratory'],
  ['alive living survived', 'dead died extinct'],
  ['essential necessary necessity', 'unnecessary optional redundant'],
  ['reversible temporary', 'irreversible permanent'],
  ['compliant complies eligible qualifies', 'noncompliant violates violated ineligible violation'],
  ['delayed late behind', 'ahead early ontime'],
];

/** For the stem of a word, the pairs it is in and its side. */
export const ANTONYMS: ReadonlyMap<string, readonly (readonly [pair: number, side: 0 | 1])[]> = opposites();

function opposites() {
  const table = new Map<string, [number, 0 | 1][]>();
  for (const [pair, sides] of OPPOSITES.entries())
    for (const [side, words] of sides.entries())
      for (const word of words.split(' ')) {
        const base = stem(word);
        const rows = table.get(base) ?? [];
        if (!rows.some(([one, at]) => one === pair && at === side))
          table.set(base, [...rows, [pair, side as 0 | 1]]);
      }
  return table;
}
