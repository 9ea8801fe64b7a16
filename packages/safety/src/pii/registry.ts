/** Every recogniser of a form. A new one: one row in the file of its subject. */
import type { Recogniser } from './recogniser.ts';
import { addresses } from './recognisers/addresses.ts';
import { births } from './recognisers/birth.ts';
import { finance } from './recognisers/finance.ts';
import { nationalIds } from './recognisers/national-ids.ts';
import { network } from './recognisers/network.ts';
import { people } from './recognisers/people.ts';
import { secrets } from './recognisers/secrets.ts';

export const RECOGNISERS: readonly Recogniser[] = [
  ...secrets,
  ...network,
  ...finance,
  ...nationalIds,
  ...births,
  ...people,
  ...addresses,
];
