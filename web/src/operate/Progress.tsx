import type { Operation } from '../api/types';
import { Meter } from '../parts/Meter';
import { StateIcon, StateLabel } from '../parts/StateLabel';
import { Took } from '../parts/Ago';
import { look_of } from '../text/states';
import { verbs } from './request';

const most_rows = 200;

/** How an operation goes on: a bar, and one line for each target; a failure says why. */
export function Progress({ operation }: { operation: Operation }) {
  const { items } = operation;
  const done = items.filter((item) => item.ok === true).length;
  const failed = items.filter((item) => item.ok === false).length;
  const over = items.length ? ((done + failed) / items.length) * 100 : 100;
  const sorted = [...items].sort((a, b) => rank(a.ok) - rank(b.ok));
  return (
    <div class="progress">
      <p class="lead progress-head">
        <StateLabel state={operation.state} />
        <span class="grow">
          {done} of {items.length} {verbs[operation.kind].done}
          {failed ? `, ${failed} failed` : ''}
        </span>
        <span class="muted"><Took from={operation.created_at} to={operation.finished_at} /></span>
      </p>
      <Meter value={over} label="Progress of the operation" tone={failed ? 'error' : operation.state === 'running' ? 'busy' : 'ok'} />
      <ul class="item-list">
        {sorted.slice(0, most_rows).map((item) => (
          <li key={item.instance}>
            <StateIcon look={look_of(word(item.ok))} />
            <span class="visually-hidden">{word(item.ok)}</span>
            <span class="mono grow">
              {item.stack}/{item.instance_name}
            </span>
            <span class="muted">{item.message || item.node}</span>
          </li>
        ))}
      </ul>
      {sorted.length > most_rows ? <p class="muted">and {sorted.length - most_rows} more</p> : null}
    </div>
  );
}

const word = (ok: boolean | null | undefined) => (ok === true ? 'succeeded' : ok === false ? 'failed' : 'running');
const rank = (ok: boolean | null | undefined) => (ok === false ? 0 : ok === true ? 2 : 1);
