/** Where people live, as far as the form tells: a number and a street, in the order of each language. */
import type { Recogniser } from '../recogniser.ts';

const WORD = "\\p{Lu}[\\p{L}\\p{M}.'’-]{0,24}";
const ENGLISH =
  '(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Square|Sq|Place|Pl|Terrace|Ter|Way|Close|Crescent|Cres|Highway|Hwy|Parkway|Pkwy|Circle|Cir|Trail|Alley|Row|Mews|Grove|Gardens|Gdns|Hill|Heights|Loop|Pike|Turnpike|Walk|Wharf|Quay|Plaza|Expressway|Freeway|Junction|Crossing|Bypass|Causeway|Camp|Cape|Cliff|Club|Common|Corner|Course|Cove|Creek|Dale|Dam|Divide|Estate|Extension|Falls|Ferry|Field|Fields|Flat|Ford|Forest|Forge|Fork|Garden|Gateway|Glen|Green|Harbor|Haven|Hollow|Inlet|Island|Isle|Key|Knoll|Lake|Land|Landing|Light|Locks|Lodge|Manor|Meadow|Mill|Mission|Motorway|Mount|Mountain|Neck|Orchard|Oval|Overpass|Park|Pass|Passage|Path|Pine|Plain|Point|Port|Prairie|Ramp|Ranch|Rapid|Rest|Ridge|River|Route|Run|Shoal|Shore|Skyway|Spring|Spur|Station|Stravenue|Stream|Summit|Throughway|Trace|Track|Trafficway|Tunnel|Underpass|Union|Valley|Via|Viaduct|View|Village|Ville|Vista|Wall|Well)';
const STREET = `(?:${WORD}|\\d{1,6}[A-Za-z]?)`;
const UNIT = '(?:,? {0,3}(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Room|Rm|No|#)\\.? ?#?\\w{1,6})?';
const REST = `${UNIT}`;
const ROMANCE =
  '(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Pp]lace|[Cc]hemin|[Ii]mpasse|[Aa]llée|[Qq]uai|[Rr]oute|[Cc]alle|[Cc]/|C\\.|[Aa]venida|[Aa]vda\\.?|[Pp]laza|[Pp]aseo|[Cc]amino|[Cc]arretera|[Vv]ia|[Vv]iale|[Pp]iazza|[Cc]orso|[Vv]icolo|[Rr]ua|[Tt]ravessa|[Aa]lameda|[Uu]l\\.|[Uu]lica)';
const INNER =
  "(?:(?:de|du|des|la|las|le|les|los|del|della|delle|dei|di|da|do|das|dos|d'|l'|el|et|y|e) ?){0,3}";
const GERMANIC =
  '(?:\\p{Lu}[\\p{L}-]{1,30}(?:straße|strasse|str\\.|weg|platz|allee|gasse|ring|damm|ufer|laan|straat|plein|gracht|kade|gatan|vägen|vej|gade|veien)|(?:Am|An der|Auf dem|Im|Zum|Zur|Unter den|Alte|Große|Lange) [\\p{Lu}][\\p{L}-]{2,24})';

export const addresses: readonly Recogniser[] = [
  {
    name: 'Street address, English order',
    kind: 'address',
    checked: 'a number, a street and its kind',
    needs: { digits: 1 },
    pattern: new RegExp(
      `(?<![\\w.-])\\d{1,6}[A-Za-z]?(?:[-/]\\d{1,4})? (?:[NSEW]\\.? )?(?:${WORD} ){1,4}${ENGLISH}\\b\\.?${REST}`,
      'gu',
    ),
  },
  {
    name: 'Street address, Romance order',
    kind: 'address',
    checked: 'the kind of street, its name, and a number before or after',
    needs: { digits: 1 },
    pattern: new RegExp(
      `(?<![\\p{L}\\d.-])(?:\\d{1,5}(?: ?(?:bis|ter))?,? ${ROMANCE} ${INNER}${WORD}(?: ${INNER}${WORD}){0,4}|${ROMANCE} ${INNER}${WORD}(?: ${INNER}${WORD}){0,4},? (?:n[.º°o]? ?)?\\d{1,5}(?:[A-Za-z]\\b)?)`,
      'gu',
    ),
  },
  {
    name: 'Street address, German and Dutch order',
    kind: 'address',
    checked: 'a name that is a street, and a number after it',
    needs: { digits: 1 },
    pattern: new RegExp(`(?<![\\p{L}\\d.-])${GERMANIC} \\d{1,4} ?[a-z]?(?![\\p{L}\\d])`, 'gu'),
  },
  {
    name: 'Street corner',
    kind: 'address',
    checked: 'the words, and two names in capitals',
    needs: { run: 3, cue: /corner of/i },
    pattern: new RegExp(
      `(?<![\\p{L}\\d])(?:[Tt]he )?[Cc]orner of (?:${STREET} ){1,5}and (?:${STREET} ){0,4}${STREET}(?<!\\.)`,
      'gu',
    ),
  },
  {
    name: 'Post-office box',
    kind: 'address',
    checked: 'the words and a number',
    needs: { digits: 1, cue: /box|post|apartado|bo[iî]te|bp/i },
    pattern: /(?<!\w)(?:P\.? ?O\.? ?Box|Postfach|Apartado|Postbus|Bo[iî]te Postale|BP) \d{1,6}(?!\w)/gi,
  },
  {
    name: 'Postal code',
    kind: 'address',
    checked: 'the form of the country, and context',
    needs: { digits: 2, cue: /zip|post|plz|cap/i },
    pattern:
      /(?<![\w.-])(?:\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[A-Z]\d[A-Z] \d[A-Z]\d|\d{4} ?[A-Z]{2}|\d{4}|\d{5}-\d{3}|\d{4}-\d{3})(?![\w-])/g,
    context:
      /(?:\bzip(?: ?code)?|\bpostal code|\bpost ?code|\bPLZ|\bCAP|code postal|código postal)(?: is)?[ :#]{0,3}$/i,
  },
];
