/** Seeded tamperings in turn of all kinds, and verifications of what nobody touched: for the test, and in number for the benchmark. */
import { cleanConversation, conversationsWorld, tamperWithConversations } from './conversations.ts';
import { cleanFiles, filesWorld, tamperWithFiles } from './files.ts';
import { chanceOf, KINDS, type Outcome } from './outcome.ts';

/** Tamperings with one log, before another is made. */
const OF_ONE_WORLD = 2000;

/** As many tamperings; each is counted once it changed something. */
export async function* tamperings(seed: number, count: number): AsyncGenerator<Outcome> {
  const chance = chanceOf(seed);
  for (let done = 0; done < count; ) {
    const files = await filesWorld(seed + done);
    const conversations = await conversationsWorld(seed + done);
    const until = Math.min(count, done + OF_ONE_WORLD);
    for (let n = 0; done < until; n++) {
      const kind = KINDS[n % KINDS.length] ?? 'bit flip';
      const tampered =
        chance.below(2) === 0
          ? await tamperWithFiles(files, kind, chance)
          : await tamperWithConversations(conversations, kind, chance);
      if (tampered === undefined) continue;
      done++;
      yield tampered;
    }
  }
}

/** Of as many verifications of what is as it was, those that found something. */
export async function falseAlarms(seed: number, count: number): Promise<number> {
  const chance = chanceOf(seed);
  let alarms = 0;
  for (let done = 0; done < count; ) {
    const files = await filesWorld(seed + done);
    const conversations = await conversationsWorld(seed + done);
    for (const until = Math.min(count, done + OF_ONE_WORLD); done < until; done++) {
      const clean =
        chance.below(2) === 0 ? await cleanFiles(files, chance) : cleanConversation(conversations, chance);
      if (!clean) alarms++;
    }
  }
  return alarms;
}
