import type { InstanceState, ServiceView } from '../api/types';
import { tasks_by_service } from '../live/live';
import { by_id, use_list } from '../live/use-list';
import { ActionBar } from '../parts/ActionBar';
import { DataList, type Column } from '../parts/DataList';
import { FilterBar } from '../parts/FilterBar';
import { Icon } from '../parts/icons';
import { NodeNames } from '../parts/NodeNames';
import { PageHead } from '../parts/PageHead';
import { Ports } from '../parts/Ports';
import { StateIcon, StateLabel } from '../parts/StateLabel';
import { all_ids, ask } from '../operate/request';
import { count, plural } from '../text/format';
import { look_of } from '../text/states';
import { FirstSteps } from './FirstSteps';
import { InstanceRows } from './InstanceRows';
import { use_page } from './use-page';

const failing = 'failed|unhealthy|backoff|stuck|lost';
const presets = [
  { label: 'All', value: undefined },
  { label: 'Failing', value: failing },
  { label: 'Ready', value: 'ready' },
  { label: 'Stopped', value: 'stopped' },
];

export function Services() {
  const page = use_page('id');
  const { filter, sort, limit, selection } = page;
  const list = use_list<ServiceView>({ topic: 'services', filter, sort, limit }, by_id);
  const { total, matching } = list.counts.value;
  const pick = async () => {
    if (!selection.all_matching.value) return [...selection.ids.value];
    return all_ids<ServiceView>('/services', filter, by_id);
  };
  return (
    <div class="page list-page">
      <PageHead title="Services" name="Services" figures={filter ? `${count(matching)} of ${count(total)}` : count(total)} />
      <FilterBar filter={filter} onChange={page.set_filter} placeholder="web  stack:shop  nodes:pve*" presets={presets} problem={list.problem.value} />
      <DataList
        label="Services"
        list={list}
        columns={columns}
        name_of={(row) => row.id}
        sort={sort}
        standard={page.standard}
        onSort={page.set_sort}
        selection={selection}
        open={page.open}
        onOpen={page.toggle}
        detail={(row) => <InstanceRows service={row} />}
        limit={limit}
        onMore={page.more}
        empty={filter ? `No service matches “${filter}”.` : <FirstSteps />}
      />
      <ActionBar selection={selection} matching={matching} shown={list.order.value.length} noun="service">
        {(['start', 'stop', 'restart', 'reload'] as const).map((kind) => (
          <button
            key={kind}
            type="button"
            class={`button ${kind === 'stop' ? 'danger' : ''}`}
            onClick={async () => {
              const targets = await pick();
              ask(kind, plural(targets.length, 'service'), targets);
            }}
          >
            <Icon name={kind === 'start' ? 'play' : kind} size={14} /> {kind[0]?.toUpperCase() + kind.slice(1)}
          </button>
        ))}
      </ActionBar>
    </div>
  );
}

function Name({ row }: { row: ServiceView }) {
  const tasks = tasks_by_service.value.get(row.id);
  return (
    <span class="name-cell">
      <span class="muted">{row.stack}/</span>
      <b>{row.name}</b>
      {row.kind === 'job' ? <span class="tag">job</span> : null}
      {tasks?.length ? (
        <a class="task-chip" href={`/tasks?filter=stack:${row.stack} service:${row.name}`} title={tasks.map((task) => `${task.type} ${task.instance}: ${task.state}`).join('\n')}>
          <StateIcon look={look_of('running')} />
          {tasks[0]?.type.replace('_', '')}
          {tasks.length > 1 ? ` ×${tasks.length}` : ''}
        </a>
      ) : null}
    </span>
  );
}

/** A job counts what has run, a service what is ready. */
function Ready({ row }: { row: ServiceView }) {
  const short = row.ready < row.desired && row.state !== 'completed' && row.state !== 'stopped';
  return (
    <span class={short ? 'tone-warn' : ''}>
      {row.ready}
      <span class="muted">/{row.desired}</span>
    </span>
  );
}

const columns: Column<ServiceView>[] = [
  { key: 'state', title: 'State', width: 'minmax(150px, 1.5fr)', sort: 'state', narrow: 'line', cell: (row) => <StateLabel state={row.state as InstanceState} reason={row.reason} /> },
  { key: 'name', title: 'Service', width: 'minmax(170px, 1.3fr)', sort: 'id', narrow: 'title', cell: (row) => <Name row={row} /> },
  { key: 'nodes', title: 'Nodes', width: 'minmax(90px, 1fr)', narrow: 'line', cell: (row) => <NodeNames names={row.nodes} /> },
  { key: 'ready', title: 'Ready', width: '70px', align: 'end', narrow: 'side', cell: (row) => <Ready row={row} /> },
  { key: 'restarts', title: 'Restarts', width: '80px', align: 'end', sort: 'restarts', narrow: 'hide', cell: (row) => (row.restarts ? count(row.restarts) : <span class="muted">0</span>) },
  { key: 'ports', title: 'Ports', width: 'minmax(90px, 0.8fr)', narrow: 'line', cell: (row) => <Ports ports={row.ports} /> },
  { key: 'revision', title: 'Rev.', width: '56px', align: 'end', narrow: 'hide', cell: (row) => <span class="muted">{row.revision}</span> },
];
