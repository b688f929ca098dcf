import { useEffect, useState } from 'preact/hooks';
import { get, write } from '../api/client';
import type { Page, Revision, StackView } from '../api/types';
import { Ago } from '../parts/Ago';
import { confirm } from '../parts/Confirm';
import { Icon } from '../parts/icons';
import { notify, notify_problem } from '../parts/toasts';
import { plural } from '../text/format';

const shown = 10;

/** The revisions of a stack, newest first, each with a way back to it. */
export function Revisions({ stack }: { stack: StackView }) {
  const [items, set_items] = useState<Revision[]>();
  const [problem, set_problem] = useState('');
  useEffect(() => {
    get<Page<Revision> | Revision[]>(`/stacks/${encodeURIComponent(stack.name)}/revisions`).then(
      (answer) => {
        const list = Array.isArray(answer) ? answer : answer.items;
        set_items([...list].sort((a, b) => b.number - a.number).slice(0, shown));
      },
      (error) => set_problem(error instanceof Error ? error.message : String(error)),
    );
  }, [stack.name, stack.revision]);
  if (problem) return <p class="problem">{problem}</p>;
  if (!items) return <p class="muted">Asking the hub …</p>;
  return (
    <ul class="revisions" aria-label={`Revisions of ${stack.name}`}>
      {items.map((item) => (
        <li key={item.number}>
          <b>Revision {item.number}</b>
          {item.current ? <span class="tag tone-ok">current</span> : null}
          {item.succeeded ? <span class="tag">was deployed</span> : <span class="tag tone-warn">never fully deployed</span>}
          <span class="muted">
            by {item.who?.actor ?? '–'}, <Ago at={item.at} suffix=" ago" />
          </span>
          <span class="mono muted digest">{item.digest.slice(0, 12)}</span>
          <span class="spacer" />
          {item.current ? null : (
            <button type="button" class="button" onClick={() => roll_back(stack, item.number)}>
              <Icon name="rollback" size={14} /> Go back to it …
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

async function roll_back(stack: StackView, revision: number): Promise<void> {
  const ok = await confirm({
    title: `Roll back ${stack.name} to revision ${revision}`,
    lead: `Revision ${revision} becomes a new revision; up to ${plural(stack.instances, 'instance')} will be updated, in dependency order.`,
    names: [],
    action: 'Roll back',
    word: '',
  });
  if (!ok) return;
  try {
    await write(`/stacks/${encodeURIComponent(stack.name)}/rollback`, { body: { revision } });
    notify(`Rolling back ${stack.name} to revision ${revision}.`, 'info');
  } catch (error) {
    notify_problem(error, 'Rolling back');
  }
}
