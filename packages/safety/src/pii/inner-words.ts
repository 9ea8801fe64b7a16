/** Words in small letters that stand inside names, addresses, dates and numbers; any other one ends what came before it. */
export const INNER_WORDS: ReadonlySet<string> = new Set(
  [
    'de du des da do das dos del della delle dei di la las le les los lo el al et the of van von vom zu zur zum',
    'und der den dem die das het ter ten op aan auf an am bei im in bin ben ibn abu bint af av ap y e i og och st',
    'rue avenue boulevard place chemin impasse allée quai route calle avenida plaza paseo camino carretera via viale',
    'piazza corso vicolo rua travessa alameda ulica street road lane drive court square bis ext apt no nr box',
    'jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september',
    'october november december januar februar märz mai juni juli oktober dezember janvier février mars avril juin',
    'juillet août septembre octobre novembre décembre enero febrero marzo abril mayo junio julio agosto septiembre',
    'octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre januari',
    'februari maart mei augustus janeiro fevereiro março maio junho julho setembro outubro novembro dezembro',
    'stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia maj augusti marts',
    'desember tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta',
    'marraskuuta joulukuuta ledna února března dubna května června července srpna září října listopadu prosince jänner',
    'is ist est es and corner',
  ]
    .join(' ')
    .split(' '),
);

/** What is cut short by a full stop, which ends nothing. */
export const ABBREVIATIONS: ReadonlySet<string> = new Set(
  'ul al pl os str no nr apt st ave av blvd rd ln dr mr mrs ms mme mlle sr sra jr prof ext tel dept bldg ste rm fl'.split(
    ' ',
  ),
);
