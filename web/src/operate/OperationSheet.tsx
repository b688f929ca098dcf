import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import { operations } from '../live/live';
import type { Operation, OperationPreview } from '../api/types';
import { plural } from '../text/format';
import { Sheet } from '../parts/Sheet';
import { Preview } from './Preview';
import { Progress } from './Progress';
import { ask, asked, preview, start, typed_above, verbs, type OperationRequest } from './request';

/** Preview → confirmation → progress, for Start all / Stop all / Restart all and every bulk action. */
export function OperationSheet() {
  const request = asked.value;
  if (!request) return null;
  return <OpenSheet key={JSON.stringify(request)} request={request} />;
}

const text_of = (error: unknown) => (error instanceof Error ? error.message : String(error));

const poll_ms = 2_000;

/** As the stream shows it; asked for now and then while the stream is away or its window has moved on. */
function use_operation(begun: Operation | undefined): Operation | undefined {
  const [asked_for, set_asked_for] = useState<Operation>();
  const known = operations.order.value; // repaints when the operation comes into the window
  const live_one = begun && known.includes(begun.id) ? operations.row(begun.id)?.value : undefined;
  const current = live_one ?? asked_for ?? begun;
  const poll = begun !== undefined && live_one === undefined && current?.state === 'running';
  useEffect(() => {
    if (!poll || !begun) return;
    const timer = setInterval(() => get<Operation>(`/operations/${begun.id}`).then(set_asked_for, () => {}), poll_ms);
    return () => clearInterval(timer);
  }, [poll, begun]);
  return current;
}

function OpenSheet({ request }: { request: OperationRequest }) {
  const [plan, set_plan] = useState<OperationPreview>();
  const [begun, set_begun] = useState<Operation>();
  const [problem, set_problem] = useState('');
  const [busy, set_busy] = useState(false);
  const [typed, set_typed] = useState('');
  useEffect(() => {
    preview(request).then(set_plan, (error) => set_problem(text_of(error)));
  }, [request]);

  const close = () => {
    asked.value = undefined;
  };
  const run = async () => {
    set_busy(true);
    set_problem('');
    try {
      set_begun(await start(request));
    } catch (error) {
      set_problem(text_of(error));
    }
    set_busy(false);
  };

  const verb = verbs[request.kind];
  const title = `${verb.title} ${request.scope}`;
  const current = use_operation(begun);
  if (current) {
    const undo = request.kind === 'stop' && current.state !== 'running';
    const stopped = current.items.filter((item) => item.ok).map((item) => `${item.stack}/${item.instance_name}`);
    return (
      <Sheet
        title={title}
        onClose={close}
        footer={
          <>
            {undo && stopped.length ? (
              <button type="button" class="button" onClick={() => ask('start', `${plural(stopped.length, 'instance')} again`, stopped)}>
                Start these {stopped.length} again …
              </button>
            ) : null}
            <span class="spacer" />
            <button type="button" class="button primary" onClick={close}>
              {current.state === 'running' ? 'Leave it running' : 'Done'}
            </button>
          </>
        }
      >
        <Progress operation={current} />
      </Sheet>
    );
  }

  const n = plan?.items.length ?? 0;
  const word = `${request.kind} ${n}`;
  const must_type = n > typed_above;
  const ready = n > 0 && !busy && (!must_type || typed.trim() === word);
  return (
    <Sheet
      title={title}
      onClose={close}
      footer={
        <>
          {must_type ? (
            <label class="typed">
              <span>
                Type <b>{word}</b>
              </span>
              <input value={typed} autocomplete="off" onInput={(event) => set_typed(event.currentTarget.value)} />
            </label>
          ) : null}
          <span class="spacer" />
          <button type="button" class="button" onClick={close}>
            Cancel
          </button>
          <button type="button" class={`button primary ${request.kind === 'stop' ? 'danger' : ''}`} disabled={!ready} onClick={run}>
            {busy ? `${verb.doing} …` : `${verb.title} ${plural(n, 'instance')}`}
          </button>
        </>
      }
    >
      {problem ? <p class="problem" role="alert">{problem}</p> : null}
      {plan ? <Preview kind={request.kind} plan={plan} /> : problem ? null : <p class="muted">Asking the hub what this touches …</p>}
    </Sheet>
  );
}
