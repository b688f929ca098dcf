import type { Attempt, TaskView } from '../api/types';
import { Ago, Took } from '../parts/Ago';
import { Facts } from '../parts/Facts';
import { StateLabel } from '../parts/StateLabel';
import { short_id } from '../text/format';

/** Every attempt of a task: when, how it ended, why, its last lines. */
export function TaskDetail({ row }: { row: TaskView }) {
  return (
    <div class="task-detail">
      <Facts
        facts={[
          ['Id', <span key="i" class="mono">{row.id}</span>],
          ['Priority', row.priority],
          ['Asked for by', [row.actor, row.origin].filter(Boolean).join(', ')],
          ['Operation', row.operation ? short_id(row.operation) : ''],
          ['Deployment', row.deployment ? short_id(row.deployment) : ''],
          ['Waits for', row.depends_on.length ? row.depends_on.map(short_id).join(', ') : ''],
          ['Trace', row.correlation ? <span key="t" class="mono">{row.correlation}</span> : ''],
        ]}
      />
      {row.attempts.length ? (
        <ol class="attempts">
          {row.attempts.map((attempt) => (
            <li key={attempt.number}>
              <AttemptLine attempt={attempt} />
            </li>
          ))}
        </ol>
      ) : (
        <p class="muted">Not handed to a node yet.</p>
      )}
    </div>
  );
}

const outcome_states: Record<string, string> = {
  '': 'running',
  succeed: 'completed',
  attempt_failed: 'failed',
  refused: 'failed',
  attempt_lost: 'lost',
  cancel_confirmed: 'cancelled',
};

function AttemptLine({ attempt }: { attempt: Attempt }) {
  return (
    <>
      <span class="attempt-head">
        <b>Attempt {attempt.number}</b>
        <StateLabel state={outcome_states[attempt.outcome] ?? 'unknown'} reason={attempt.error} />
        <span class="muted">
          <Ago at={attempt.assigned_at} suffix=" ago" />, took <Took from={attempt.started_at ?? attempt.assigned_at} to={attempt.ended_at ?? null} />
        </span>
      </span>
      {attempt.output.length ? <pre class="output">{attempt.output.join('\n')}</pre> : null}
    </>
  );
}
