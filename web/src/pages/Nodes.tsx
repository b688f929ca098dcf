import { get, query, write } from '../api/client';
import type { NodeView, Page, InstanceView } from '../api/types';
import { by_id, use_list } from '../live/use-list';
import { ActionBar } from '../parts/ActionBar';
import { Ago } from '../parts/Ago';
import { DataList, type Column } from '../parts/DataList';
import { FilterBar } from '../parts/FilterBar';
import { AgentIcon, Icon } from '../parts/icons';
import { PageHead } from '../parts/PageHead';
import { StateLabel } from '../parts/StateLabel';
import { notify, notify_problem } from '../parts/toasts';
import { Version } from '../parts/Version';
import { dialog } from '../shell/dialogs';
import { bytes, count, plural } from '../text/format';
import { confirm } from '../parts/Confirm';
import { FirstSteps } from './FirstSteps';
import { NodeDetail } from './NodeDetail';
import { use_page } from './use-page';

const presets = [
  { label: 'All', value: undefined },
  { label: 'Online', value: 'online' },
  { label: 'Away', value: 'suspect|lost|offline' },
];

export function Nodes() {
  const page = use_page('name');
  const { filter, sort, limit, selection } = page;
  const list = use_list<NodeView>({ topic: 'nodes', filter, sort, limit }, by_id);
  const { total, matching } = list.counts.value;
  const picked = () => list.all().filter((row) => selection.ids.value.has(row.id));
  return (
    <div class="page list-page">
      <PageHead title="Fleet" name="Fleet" figures={filter ? `${count(matching)} of ${count(total)}` : plural(total, 'node')}>
        <button type="button" class="button" onClick={() => (dialog.value = 'join')}>
          <Icon name="plus" size={14} /> Join a node
        </button>
      </PageHead>
      <FilterBar filter={filter} onChange={page.set_filter} placeholder="pve1  state:online  labels.zone:a" presets={presets} problem={list.problem.value} />
      <DataList
        label="Nodes"
        list={list}
        columns={columns}
        name_of={(row) => row.name}
        sort={sort}
        standard={page.standard}
        onSort={page.set_sort}
        selection={selection}
        open={page.open}
        onOpen={page.toggle}
        detail={(row) => <NodeDetail row={row} />}
        row_class={(row) => (['online', 'connecting', 'joined'].includes(row.state) ? '' : 'old')}
        limit={limit}
        onMore={page.more}
        empty={filter ? `No node matches “${filter}”.` : <FirstSteps />}
      />
      <ActionBar selection={selection} matching={list.order.value.length} shown={list.order.value.length} noun="node">
        <button type="button" class="button" onClick={() => each(picked(), 'cordon')}>
          <Icon name="cordon" size={14} /> Cordon
        </button>
        <button type="button" class="button" onClick={() => each(picked(), 'uncordon')}>
          <Icon name="check" size={14} /> Uncordon
        </button>
        <button type="button" class="button danger" onClick={() => drain(picked())}>
          <Icon name="drain" size={14} /> Drain …
        </button>
        <button type="button" class="button" onClick={() => each(picked(), 'undrain')}>
          <Icon name="up" size={14} /> Undrain
        </button>
      </ActionBar>
    </div>
  );
}

export type NodeVerb = 'cordon' | 'uncordon' | 'drain' | 'undrain';

/** One request a node; each failure is named. */
export async function each(nodes: NodeView[], verb: NodeVerb): Promise<void> {
  const results = await Promise.allSettled(nodes.map((node) => write(`/nodes/${encodeURIComponent(node.name)}/${verb}`)));
  results.forEach((result, index) => {
    if (result.status === 'rejected') notify_problem(result.reason, `${verb} ${nodes[index]?.name}`);
  });
  const done = results.filter((result) => result.status === 'fulfilled').length;
  if (done) notify(`${verb}: ${plural(done, 'node')}.`, 'succeeded');
}

/** Draining moves what can go elsewhere: first shows what that is. */
export async function drain(nodes: NodeView[]): Promise<void> {
  const names = nodes.map((node) => node.name);
  try {
    const filter = `node:${names.join('|')}`;
    const { items } = await get<Page<InstanceView>>(`/instances${query({ filter, limit: 1000 })}`);
    const ok = await confirm({
      title: `Drain ${plural(nodes.length, 'node')}`,
      lead: `${plural(items.length, 'instance')} on ${names.join(', ')} will be moved to other nodes, or stopped when none fits.`,
      names: items.map((item) => `${item.stack}/${item.name}`),
      action: 'Drain',
      word: `drain ${items.length}`,
    });
    if (ok) await each(nodes, 'drain');
  } catch (error) {
    notify_problem(error, 'Draining');
  }
}

function Flags({ row }: { row: NodeView }) {
  return (
    <>
      {row.draining ? <span class="tag tone-warn">draining</span> : null}
      {row.cordoned && !row.draining ? <span class="tag tone-warn">cordoned</span> : null}
    </>
  );
}

const labels_of = (row: NodeView) => Object.entries(row.labels).map(([key, value]) => `${key}=${value}`);

const columns: Column<NodeView>[] = [
  { key: 'state', title: 'State', width: 'minmax(120px, 1fr)', sort: 'state', narrow: 'line', cell: (row) => <StateLabel state={row.state} reason={row.message} /> },
  {
    key: 'name',
    title: 'Node',
    width: 'minmax(130px, 1.2fr)',
    sort: 'name',
    narrow: 'title',
    cell: (row) => (
      <span class="name-cell">
        <AgentIcon size={15} /> <b>{row.name}</b> <Flags row={row} />
      </span>
    ),
  },
  {
    key: 'labels',
    title: 'Labels',
    width: 'minmax(80px, 1fr)',
    narrow: 'hide',
    cell: (row) => (labels_of(row).length ? labels_of(row).map((label) => <span key={label} class="tag">{label}</span>) : <span class="muted">–</span>),
  },
  { key: 'os', title: 'System', width: 'minmax(110px, 1.2fr)', narrow: 'line', cell: (row) => <span title={`${row.os}, ${row.kernel}`}>{[row.os, row.arch].filter(Boolean).join(' · ') || '–'}</span> },
  {
    key: 'size',
    title: 'CPU · memory',
    width: '120px',
    align: 'end',
    narrow: 'hide',
    cell: (row) => (row.cpus ? `${row.cpus} · ${bytes(row.memory)}` : <span class="muted">–</span>),
  },
  {
    key: 'instances',
    title: 'Instances',
    width: '110px',
    align: 'end',
    sort: 'instances',
    narrow: 'side',
    cell: (row) => (
      <a href={`/services?filter=nodes:${row.name}`} title={`${row.running} running, ${row.failing} failing, ${row.instances} in all`}>
        {row.running}
        <span class="muted">/{row.instances}</span>
        {row.failing ? <span class="tone-error"> · {row.failing} ✕</span> : null}
      </a>
    ),
  },
  { key: 'seen', title: 'Last seen', width: '84px', align: 'end', narrow: 'line', cell: (row) => <Ago at={row.last_seen ?? null} /> },
  { key: 'version', title: 'Agent', width: '110px', align: 'end', sort: 'version', narrow: 'line', cell: (row) => <Version version={row.version} match={row.version_match} /> },
];
