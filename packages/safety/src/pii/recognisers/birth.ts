/** Days of birth: a whole date, and words that say of a birth. A date alone is nobody's. */
import type { Recogniser } from '../recogniser.ts';

const MONTHS = [
  'jan feb mar apr may jun jul aug sep sept oct nov dec',
  'january february march april june july august september october november december',
  'januar jänner februar märz mai juni juli oktober dezember',
  'janvier février mars avril juin juillet août septembre octobre novembre décembre',
  'enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre',
  'gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre',
  'januari februari maart mei augustus janeiro fevereiro março maio junho julho setembro outubro novembro dezembro',
  'stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia',
  'maj augusti marts desember tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta',
  'syyskuuta lokakuuta marraskuuta joulukuuta ledna února března dubna května června července srpna září října',
  'listopadu prosince',
]
  .join(' ')
  .split(' ');
const MONTH = `(?:${MONTHS.join('|')})`;
const DAY = '(?:0?[1-9]|[12]\\d|3[01])';
const YEAR = "(?:(?:18|19|20)\\d{2}|'?\\d{2})";
const DATES = [
  `${DAY}[-./ ]${DAY}[-./ ]${YEAR}(?!\\d)`,
  `${DAY}\\. ?${DAY}\\. ?${YEAR}(?!\\d)`,
  `(?:18|19|20)\\d{2}[-./ ](?:0?[1-9]|1[0-2])[-./ ]${DAY}(?!\\d)`,
  `(?:18|19|20)\\d{2}\\. ?(?:0?[1-9]|1[0-2])\\. ?${DAY}(?!\\d)`,
  `(?:18|19|20)\\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\\d|3[01])(?!\\d)`,
  `${DAY}(?:st|nd|rd|th|\\.|er|º)? ?(?:of |de |d')?${MONTH}\\.?,? (?:de |of )?${YEAR}(?!\\d)`,
  `${DAY}-${MONTH}-${YEAR}(?!\\d)`,
  `${MONTH}\\.? (?:the )?${DAY}(?:st|nd|rd|th)?,? ${YEAR}(?!\\d)`,
  `(?:18|19|20)\\d{2},? ${MONTH}\\.? ${DAY}(?!\\d)`,
].join('|');

/** Words of birth; the end of a stem is open where languages bend it. */
const BIRTH =
  'born|birth(?:day|date|s)?|bday|b-day|d\\.?o\\.?b|geboren\\p{L}{0,2}|geburt\\p{L}{0,12}|geb|née?s?|naissance|anniversaire|nacid[oa]s?|nac[ií]|naci[óo]|nacimiento|cumplea[ñn]os|nascita|nat[oaie] (?:il|a|ad|in|nel)|compleanno|geboorte\\p{L}{0,6}|verjaardag|nascimento|nascid[oa]s?|nasceu|nasci|anivers[áa]rio|urodz\\p{L}{1,8}|ur\\.|född\\p{L}{0,8}|født|fødsels\\p{L}{1,6}|syntyn\\p{L}{1,4}|syntymä\\p{L}{0,8}|naroz\\p{L}{1,8}|nar\\.|szület\\p{L}{1,8}|rođen\\p{L}{0,5}|rojen\\p{L}{0,5}|născut\\p{L}{0,3}|doğum\\p{L}{0,6}';
const CONTEXT = new RegExp(
  `(?:(?<!\\p{L})(?:${BIRTH})(?!\\p{L})[^\\n]{0,40}\\n?[^\\n]{0,8}|\\((?:b\\.|\\*) ?)$`,
  'iu',
);
export const births: readonly Recogniser[] = [
  {
    name: 'Day of birth',
    kind: 'date_of_birth',
    checked: 'a date, and a word of birth before it in eighteen languages',
    needs: { digits: 3 },
    pattern: new RegExp(`(?<![\\w/.-])(?:${DATES})`, 'giu'),
    context: CONTEXT,
  },
];
