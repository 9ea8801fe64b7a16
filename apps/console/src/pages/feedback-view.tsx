import type { FeedbackRequest } from '@mcp/contracts';
import { useState } from 'preact/hooks';
import { useAction } from '../hooks.ts';
import { Fault } from '../ui/basics.tsx';

const CHOICES = [
  { score: 1, label: 'Good answer', sign: '👍' },
  { score: 0, label: 'Poor answer', sign: '👎' },
] as const;

/** What the reader says of the latest decision: a thumb, kept at once, and a comment on it. Given again, it takes its place. */
export function FeedbackView({ id }: { readonly id: string }) {
  const [score, setScore] = useState<number | null>(null);
  const [comment, setComment] = useState('');
  const [kept, setKept] = useState('');
  const action = useAction((platform, request: FeedbackRequest) => platform.giveFeedback(id, request));
  const give = async (request: FeedbackRequest & { readonly score: number }) => {
    setKept('');
    if ((await action.run(request)) === null) return;
    setScore(request.score);
    setKept(request.comment === undefined ? 'Your feedback is kept.' : 'Your feedback and comment are kept.');
  };
  return (
    <section class="feedback" aria-label="Feedback">
      {CHOICES.map((one) => (
        <button
          key={one.score}
          type="button"
          class="button button-small"
          aria-pressed={score === one.score}
          disabled={action.busy}
          onClick={() => give({ score: one.score })}
        >
          <span aria-hidden="true">{one.sign}</span> {one.label}
        </button>
      ))}
      <span class="meta" role="status">
        {kept}
      </span>
      {score === null ? null : (
        <form
          class="feedback-comment"
          onSubmit={(event) => {
            event.preventDefault();
            const text = comment.trim();
            if (text !== '') void give({ score, comment: text });
          }}
        >
          <label class="field">
            <span>Comment</span>
            <textarea
              rows={2}
              maxLength={1000}
              value={comment}
              onInput={(event) => setComment(event.currentTarget.value)}
            />
          </label>
          <button type="submit" class="button button-small" disabled={action.busy || comment.trim() === ''}>
            Keep the comment
          </button>
        </form>
      )}
      {action.error === null ? null : <Fault error={action.error} doing="Keeping the feedback" />}
    </section>
  );
}
