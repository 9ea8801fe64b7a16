import type { SafetyVerdict } from '@mcp/contracts';
import { injectionScore } from '../guard/quarantine.ts';
import { piiTags } from '../pii/index.ts';
import { findingsRisk } from '../risk.ts';
import { dataClass, type Signals } from './risk.ts';

/** What a question says of its risk. */
export function questionSignals(text: string, safety: SafetyVerdict | undefined): Signals {
  const signals = answerSignals(text, safety);
  return { ...signals, injection: Math.max(injectionScore(text), signals.injection ?? 0) };
}

/**
 * What a model said, which another one will read. The injection classifier has learned from questions: it takes three in
 * ten short answers for attacks, so that of answers only what the safety stages found counts.
 */
export function answerSignals(text: string, safety: SafetyVerdict | undefined): Signals {
  const found = safety?.findings ?? [];
  return {
    injection: Math.max(0, ...found.map(({ score }) => score ?? 0)),
    content: findingsRisk(found.filter(({ stage }) => stage === 'rules')),
    data: dataClass(piiTags(text)),
  };
}
