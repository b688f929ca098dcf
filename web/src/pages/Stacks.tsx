import type { InstanceView, Page, StackView } from '../api/types';
import { get, query, write } from '../api/client';
import { by_name, use_list } from '../live/use-list';
import { Ago } from '../parts/Ago';
import { confirm } from '../parts/Confirm';
import { DataList, type Column } from '../parts/DataList';
import { FilterBar } from '../parts/FilterBar';
import { Icon } from '../parts/icons';
import { Menu, type MenuEntry } from '../parts/Menu';
import { PageHead } from '../parts/PageHead';
import { StateLabel } from '../parts/StateLabel';
import { notify, notify_problem } from '../parts/toasts';
import { ask } from '../operate/request';
import { count, plural } from '../text/format';
import { FirstSteps } from './FirstSteps';
import { Revisions } from './Revisions';
import { use_page } from './use-page';

const presets = [
  { label: 'All', value: undefined },
  { label: 'Not ready', value: 'deploying|degraded|failed|deleting' },
];

export function Stacks() {
  const page = use_page('name');
  const { filter, sort, limit } = page;
  const list = use_list<StackView>({ topic: 'stacks', filter, sort, limit }, by_name);
  const { total, matching } = list.counts.value;
  return (
    <div class="page list-page">
      <PageHead title="Stacks" name="Stacks" figures={filter ? `${count(matching)} of ${count(total)}` : count(total)} />
      <FilterBar filter={filter} onChange={page.set_filter} placeholder="shop  state:degraded" presets={presets} problem={list.problem.value} />
      <DataList
        label="Stacks"
        list={list}
        columns={columns}
        name_of={(row) => row.name}
        sort={sort}
        standard={page.standard}
        onSort={page.set_sort}
        open={page.open}
        onOpen={page.toggle}
        detail={(row) => <Revisions stack={row} />}
        limit={limit}
        onMore={page.more}
        empty={filter ? `No stack matches “${filter}”.` : <FirstSteps />}
      />
    </div>
  );
}

/** Deleting a stack first names everything that it stops. */
async function remove(row: StackView): Promise<void> {
  try {
    const { items } = await get<Page<InstanceView>>(`/instances${query({ filter: `stack:${row.name}`, limit: 1000 })}`);
    const nodes = new Set(items.map((item) => item.node).filter(Boolean)).size;
    const ok = await confirm({
      title: `Delete stack ${row.name}`,
      lead: `${plural(items.length, 'instance')} of ${plural(row.services, 'service')} on ${plural(nodes, 'node')} will be stopped and removed, with the stack's ${plural(row.revision, 'revision')}.`,
      names: items.map((item) => `${item.name}${item.node ? ` on ${item.node}` : ''}`),
      action: 'Delete',
      word: `delete ${row.name}`,
    });
    if (!ok) return;
    await write(`/stacks/${encodeURIComponent(row.name)}`, { method: 'DELETE' });
    notify(`Deleting stack ${row.name}. Its row goes when nothing of it is left.`, 'info');
  } catch (error) {
    notify_problem(error, `Deleting ${row.name}`);
  }
}

function Actions({ row }: { row: StackView }) {
  const scope = `stack ${row.name}`;
  const entries: MenuEntry[] = [
    { label: 'Start …', icon: 'play', run: () => ask('start', scope, [row.name]) },
    { label: 'Stop …', icon: 'stop', run: () => ask('stop', scope, [row.name]) },
    { label: 'Restart …', icon: 'restart', run: () => ask('restart', scope, [row.name]) },
    { label: 'Reload …', icon: 'reload', run: () => ask('reload', scope, [row.name]) },
    null,
    { label: 'Delete …', icon: 'trash', danger: true, run: () => remove(row) },
  ];
  return <Menu id={`stack-${row.name}`} label={`Actions for ${row.name}`} align="end" button={<Icon name="more" />} entries={entries} />;
}

const columns: Column<StackView>[] = [
  { key: 'state', title: 'State', width: 'minmax(170px, 1.6fr)', sort: 'state', narrow: 'line', cell: (row) => <StateLabel state={row.state} reason={row.message} /> },
  { key: 'name', title: 'Stack', width: 'minmax(120px, 1.2fr)', sort: 'name', narrow: 'title', cell: (row) => <b>{row.name}</b> },
  {
    key: 'services',
    title: 'Services',
    width: '84px',
    align: 'end',
    narrow: 'hide',
    cell: (row) => <a href={`/services?filter=stack:${row.name}`}>{row.services}</a>,
  },
  {
    key: 'ready',
    title: 'Ready',
    width: '84px',
    align: 'end',
    narrow: 'side',
    cell: (row) => (
      <span class={row.failing ? 'tone-error' : ''}>
        {row.ready}
        <span class="muted">/{row.instances}</span>
      </span>
    ),
  },
  { key: 'revision', title: 'Revision', width: '84px', align: 'end', sort: 'revision', narrow: 'hide', cell: (row) => row.revision },
  { key: 'updated', title: 'Updated', width: '84px', align: 'end', sort: 'updated_at', narrow: 'line', cell: (row) => <Ago at={row.updated_at} /> },
  { key: 'actions', title: '', width: '44px', align: 'end', narrow: 'side', cell: (row) => <Actions row={row} /> },
];
