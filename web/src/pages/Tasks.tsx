import type { TaskView } from '../api/types';
import { write } from '../api/client';
import { by_id, use_list } from '../live/use-list';
import { Ago, Took } from '../parts/Ago';
import { DataList, type Column } from '../parts/DataList';
import { FilterBar } from '../parts/FilterBar';
import { Icon } from '../parts/icons';
import { Meter } from '../parts/Meter';
import { NodeNames } from '../parts/NodeNames';
import { PageHead } from '../parts/PageHead';
import { StateLabel } from '../parts/StateLabel';
import { notify, notify_problem } from '../parts/toasts';
import { count } from '../text/format';
import { TaskDetail } from './TaskDetail';
import { use_page } from './use-page';

const presets = [
  { label: 'All', value: undefined },
  { label: 'Open', value: 'pending|assigned|running' },
  { label: 'Failed', value: 'failed' },
  { label: 'Done', value: 'completed|cancelled' },
];

export function Tasks() {
  const page = use_page('-created_at');
  const { filter, sort, limit } = page;
  const list = use_list<TaskView>({ topic: 'tasks', filter, sort, limit }, by_id);
  const { total, matching } = list.counts.value;
  return (
    <div class="page list-page">
      <PageHead title="Tasks" name="Tasks" figures={filter ? `${count(matching)} of ${count(total)}` : count(total)} />
      <FilterBar filter={filter} onChange={page.set_filter} placeholder="web  type:deploy  node:pve1" presets={presets} problem={list.problem.value} />
      <DataList
        label="Tasks"
        list={list}
        columns={columns}
        name_of={(row) => `${row.type} ${row.instance}`}
        sort={sort}
        standard={page.standard}
        onSort={page.set_sort}
        open={page.open}
        onOpen={page.toggle}
        detail={(row) => <TaskDetail row={row} />}
        limit={limit}
        onMore={page.more}
        empty={filter ? 'No task matches.' : 'No tasks yet: they appear when a stack is applied or something is started or stopped.'}
      />
    </div>
  );
}

export const is_open = (row: TaskView) => row.state === 'pending' || row.state === 'assigned' || row.state === 'running';

async function act(row: TaskView, verb: 'cancel' | 'retry'): Promise<void> {
  try {
    await write(`/tasks/${row.id}/${verb}`);
    notify(`${verb === 'cancel' ? 'Cancel asked for' : 'Queued again'}: ${row.type} ${row.instance}.`, 'succeeded');
  } catch (error) {
    notify_problem(error, `${verb} ${row.type} ${row.instance}`);
  }
}

function Target({ row }: { row: TaskView }) {
  return (
    <span class="name-cell">
      <b>{row.type.replace('_', '')}</b>
      <a href={`/instances/${row.instance_id}`}>
        <span class="muted">{row.stack}/</span>
        {row.instance}
      </a>
      {row.retry_of ? <span class="tag">retry</span> : null}
    </span>
  );
}

function Buttons({ row }: { row: TaskView }) {
  return (
    <span class="actions">
      {is_open(row) ? (
        <button type="button" class="icon-button" disabled={row.cancel_requested} aria-label={`Cancel ${row.type} ${row.instance}`} title={row.cancel_requested ? 'Cancel is asked for' : 'Cancel'} onClick={() => act(row, 'cancel')}>
          <Icon name="close" size={15} />
        </button>
      ) : row.state === 'failed' || row.state === 'cancelled' ? (
        <button type="button" class="icon-button" aria-label={`Retry ${row.type} ${row.instance}`} title="Retry" onClick={() => act(row, 'retry')}>
          <Icon name="restart" size={15} />
        </button>
      ) : null}
    </span>
  );
}

function reason_of(row: TaskView): string {
  return [row.message, row.cancel_requested && is_open(row) ? 'cancel asked for' : ''].filter(Boolean).join(', ');
}

const columns: Column<TaskView>[] = [
  { key: 'state', title: 'State', width: 'minmax(170px, 1.6fr)', sort: 'state', narrow: 'line', cell: (row) => <StateLabel state={row.state} reason={reason_of(row)} /> },
  { key: 'target', title: 'Task', width: 'minmax(180px, 1.4fr)', narrow: 'title', cell: (row) => <Target row={row} /> },
  { key: 'node', title: 'Node', width: 'minmax(80px, 0.7fr)', narrow: 'line', cell: (row) => <NodeNames names={row.node ? [row.node] : []} /> },
  {
    key: 'progress',
    title: 'Progress',
    width: '92px',
    narrow: 'hide',
    cell: (row) => (is_open(row) ? <Meter value={row.progress} label={`Progress of ${row.type} ${row.instance}`} /> : <span class="muted">–</span>),
  },
  { key: 'attempts', title: 'Attempt', width: '72px', align: 'end', narrow: 'hide', cell: (row) => <span class={row.attempt > 1 ? 'tone-warn' : 'muted'}>{row.attempt}/{row.max_attempts}</span> },
  { key: 'actor', title: 'By', width: 'minmax(70px, 0.6fr)', narrow: 'hide', cell: (row) => <span class="muted" title={`${row.actor} by ${row.origin}`}>{row.actor}</span> },
  { key: 'took', title: 'Took', width: '84px', align: 'end', narrow: 'hide', cell: (row) => <Took from={row.started_at ?? null} to={row.finished_at ?? null} /> },
  { key: 'created', title: 'Created', width: '72px', align: 'end', sort: 'created_at', narrow: 'side', cell: (row) => <Ago at={row.created_at} /> },
  { key: 'actions', title: '', width: '44px', align: 'end', narrow: 'side', cell: (row) => <Buttons row={row} /> },
];
