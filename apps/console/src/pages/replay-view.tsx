import type { LogRecord, Participant } from '@mcp/contracts';
import { useEffect, useRef, useState } from 'preact/hooks';
import { explainFinish } from '../chat/explain.ts';
import { labelOf, toneOf } from '../chat/participants.ts';
import {
  advance,
  createReplay,
  moveTo,
  type Replay,
  SPEEDS,
  shownChars,
  togglePlay,
} from '../chat/replay.ts';
import { formatCount, formatTime, short } from '../format.ts';
import { Markdown } from '../text/markdown-view.tsx';
import { Badge } from '../ui/basics.tsx';
import { prefersStill } from '../ui/browser.ts';
import { DecisionView } from './decision-view.tsx';

interface ReplayProps {
  readonly records: readonly LogRecord[];
  readonly participants: readonly Participant[];
}

/** The record step by step, with a player above it. */
export function ReplayView({ records, participants }: ReplayProps) {
  const steps = records.filter((record) => record.role !== 'system');
  const system = records.filter((record) => record.role === 'system');
  const [replay, setReplay] = useState<Replay>(() => createReplay(steps.map((step) => step.content.length)));
  useClock(replay.playing, (elapsed_ms) =>
    setReplay((before) => advance(before, elapsed_ms, prefersStill())),
  );
  useReplayKeys(setReplay);
  return (
    <section class="replay" aria-label="Replay">
      <Player replay={replay} onChange={setReplay} />
      {system.length === 0 ? null : <SystemPrompts records={system} />}
      <ol class="steps">
        {steps.map((step, index) => {
          const chars = shownChars(replay, index);
          return chars === null ? null : (
            <Step
              key={step.seq}
              record={step}
              participants={participants}
              chars={chars}
              whole={index < replay.at}
            />
          );
        })}
      </ol>
      {replay.lengths.length > 0 && shownChars(replay, 0) === null ? <p class="empty">Press play.</p> : null}
    </section>
  );
}

interface PlayerProps {
  readonly replay: Replay;
  readonly onChange: (change: (before: Replay) => Replay) => void;
}

function Player({ replay, onChange }: PlayerProps) {
  const total = replay.lengths.length;
  return (
    <fieldset class="player" aria-label="Replay controls">
      <button type="button" class="button button-primary player-play" onClick={() => onChange(togglePlay)}>
        {replay.playing ? 'Pause' : 'Play'}
      </button>
      <button
        type="button"
        class="button"
        aria-label="One step back"
        onClick={() => onChange((r) => moveTo(r, r.at - 1))}
      >
        ←
      </button>
      <button
        type="button"
        class="button"
        aria-label="One step on"
        onClick={() => onChange((r) => moveTo(r, r.at + 1))}
      >
        →
      </button>
      <label class="player-place">
        <span class="visually-hidden">Step</span>
        <input
          type="range"
          min={0}
          max={total}
          value={replay.at}
          onInput={(event) => {
            const at = event.currentTarget.valueAsNumber;
            onChange((r) => moveTo(r, at));
          }}
        />
      </label>
      <output class="player-count">
        {replay.at} / {total}
      </output>
      <label class="player-speed">
        <span class="visually-hidden">Speed</span>
        <select
          value={String(replay.speed)}
          onChange={(event) => {
            const speed = Number(event.currentTarget.value);
            onChange((r) => ({ ...r, speed }));
          }}
        >
          {SPEEDS.map((speed) => (
            <option key={speed} value={String(speed)}>
              {speed} ×
            </option>
          ))}
        </select>
      </label>
    </fieldset>
  );
}

/** Steps that are by no participant. */
const OTHERS = new Map([
  ['user', 'You'],
  ['decision', 'Decision'],
  ['summary', 'Summary'],
]);

interface StepProps {
  readonly record: LogRecord;
  readonly participants: readonly Participant[];
  readonly chars: number;
  readonly whole: boolean;
}

/** One record as it is shown: who said it, what, and the facts below it. */
export function Step({ record, participants, chars, whole }: StepProps) {
  const { role } = record;
  const other = OTHERS.get(role);
  const look = (part: string) =>
    other === undefined ? `who-${toneOf(role, participants)}` : `${part}-${role}`;
  return (
    <li class={`step ${look('step')}`}>
      <header class="turn-head">
        <span class={`tag ${look('tag')}`}>{other ?? labelOf(role)}</span>
        {record.model === undefined ? null : <span class="turn-model">{record.model}</span>}
        {record.prompt === undefined ? null : (
          <span title={record.prompt.sha256}>prompt {record.prompt.name}</span>
        )}
        <time dateTime={record.at}>{formatTime(record.at)}</time>
      </header>
      {record.reasoning === undefined || !whole ? null : (
        <details class="reasoning">
          <summary>Hidden reasoning ({formatCount(record.reasoning.length)} characters)</summary>
          <p class="pre">{record.reasoning}</p>
        </details>
      )}
      <div class="turn-body">
        <StepBody record={record} participants={participants} chars={chars} />
      </div>
      {whole ? <StepFoot record={record} /> : null}
    </li>
  );
}

function StepBody({ record, participants, chars }: Omit<StepProps, 'whole'>) {
  if (record.decision !== undefined)
    return <DecisionView decision={record.decision} participants={participants} />;
  const text = record.content.slice(0, chars);
  return record.role === 'user' ? <p class="pre">{text}</p> : <Markdown text={text} />;
}

function StepFoot({ record }: { readonly record: LogRecord }) {
  const { usage, finish_reason: finish, budget } = record;
  return (
    <footer class="turn-foot">
      {usage === undefined ? null : (
        <span>
          {formatCount(usage.input_tokens)} in · {formatCount(usage.output_tokens)} out
        </span>
      )}
      {finish === undefined ? null : <span>{explainFinish(finish)}</span>}
      {budget === undefined || budget.action === 'none' ? null : (
        <Badge tone="warn">
          context {budget.action}
          {budget.dropped_messages === 0 ? '' : `, ${budget.dropped_messages} dropped`}
        </Badge>
      )}
      {record.pii_tags.map((tag) => (
        <Badge key={tag} tone="warn">
          personal data: {tag}
        </Badge>
      ))}
      <code title={`SHA-256 of record ${record.seq}: ${record.hash}`}>
        #{record.seq} {short(record.hash)}
      </code>
    </footer>
  );
}

function SystemPrompts({ records }: { readonly records: readonly LogRecord[] }) {
  return (
    <details class="reasoning">
      <summary>System prompts ({records.length})</summary>
      {records.map((record) => (
        <div key={record.seq}>
          <p class="meta">
            <strong>{record.prompt?.name ?? 'system'}</strong>
            <code title={record.hash}>
              #{record.seq} {short(record.hash)}
            </code>
          </p>
          <p class="pre">{record.content}</p>
        </div>
      ))}
    </details>
  );
}

/** Calls back with the time passed since the last call, on every frame while it runs. */
function useClock(running: boolean, tick: (elapsed_ms: number) => void): void {
  const latest = useRef(tick);
  latest.current = tick;
  useEffect(() => {
    if (!running) return;
    let before_ms = performance.now();
    let frame = requestAnimationFrame(function step(now_ms) {
      latest.current(Math.min(250, now_ms - before_ms));
      before_ms = now_ms;
      frame = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(frame);
  }, [running]);
}

/** Left and right step, space plays, wherever the focus is but in a field or on a control that needs them. */
function useReplayKeys(change: (change: (before: Replay) => Replay) => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : null;
      if (
        event.altKey ||
        event.ctrlKey ||
        event.metaKey ||
        target?.closest('input, select, textarea, dialog') != null
      )
        return;
      if (event.key === 'ArrowLeft') change((replay) => moveTo(replay, replay.at - 1));
      else if (event.key === 'ArrowRight') change((replay) => moveTo(replay, replay.at + 1));
      else if (event.key === ' ' && target?.closest('button, a, summary') == null) change(togglePlay);
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [change]);
}
