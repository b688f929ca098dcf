import { useRoute } from 'preact-iso';
import type { InstanceView } from '../api/types';
import { by_id, use_list } from '../live/use-list';
import { LogPanel } from '../logs/LogPanel';
import { Ago } from '../parts/Ago';
import { Facts } from '../parts/Facts';
import { Icon } from '../parts/icons';
import { InstanceActions } from '../parts/InstanceActions';
import { InstanceStateLabel } from '../parts/InstanceStateLabel';
import { NodeNames } from '../parts/NodeNames';
import { PageHead } from '../parts/PageHead';
import { Ports } from '../parts/Ports';
import { Probes } from '../parts/Probes';
import { StateIcon } from '../parts/StateLabel';
import { needs_why, Why } from '../parts/Why';
import { look_of } from '../text/states';

/** One instance: what it shall do, what it does, what is being done to it, and its log. */
export function Instance() {
  const id = useRoute().params.id ?? '';
  return <OneInstance key={id} id={id} />;
}

function OneInstance({ id }: { id: string }) {
  const list = use_list<InstanceView>({ topic: 'instances', filter: `id:${id}`, limit: 1 }, by_id);
  const row = list.all()[0];
  if (!row) {
    return (
      <div class="page">
        <PageHead title="Instance" name="Instance" />
        <p class="muted">{list.loaded.value ? 'There is no such instance (any more).' : 'Waiting for the hub …'}</p>
      </div>
    );
  }
  return (
    <div class={`page instance-page ${row.fresh ? '' : 'old'}`}>
      <PageHead
        name={`${row.stack}/${row.name}`}
        title={
          <>
            <a class="crumb" href={`/services?filter=stack:${row.stack}&open=${row.stack}/${row.service}`}>
              {row.stack}/
            </a>
            {row.name}
          </>
        }
        figures={<InstanceStateLabel row={row} />}
      >
        {row.task ? (
          <a class="task-chip" href={`/tasks?filter=stack:${row.stack} service:${row.service}`}>
            <StateIcon look={look_of('running')} /> {row.task_type.replace('_', '')}
          </a>
        ) : null}
        <InstanceActions row={row} words />
      </PageHead>
      <Facts
        facts={[
          ['Node', <NodeNames key="n" names={row.node ? [row.node] : []} />],
          ['Shall', row.desired === 'run' ? 'run' : row.desired === 'stop' ? 'be stopped' : 'go'],
          ['State since', <Ago key="s" at={row.since} suffix=" ago" />],
          ['Health', row.health === 'none' ? '' : row.health],
          ['Pid', row.pid ?? ''],
          ['Started', row.started_at ? <Ago key="t" at={row.started_at} suffix=" ago" /> : ''],
          ['Restarts', row.restarts],
          ['Ports', Object.keys(row.ports).length ? <Ports key="p" ports={row.ports} /> : ''],
          ['Revision', row.outdated ? <span key="r" class="tone-warn">{row.revision}, outdated</span> : row.revision],
          ['Last exit', row.last_exit],
          ['Starts', row.incarnation],
          ['Id', <span key="i" class="mono">{row.id}</span>],
        ]}
      />
      {row.degraded?.length ? <NotInForce what={row.degraded} /> : null}
      {needs_why(row.state) ? <Why target={`${row.stack}/${row.name}`} about={`${row.state} ${row.reason}`} /> : null}
      {row.node ? <Probes instance={row.id} about={`${row.state} ${row.reason} ${row.incarnation}`} /> : null}
      {row.last_lines.length && !row.pid ? (
        <details class="last-lines" open={row.state === 'failed' || row.state === 'backoff'}>
          <summary>Its last lines before it ended{row.last_exit ? ` (${row.last_exit})` : ''}</summary>
          <pre class="output">{row.last_lines.join('\n')}</pre>
        </details>
      ) : null}
      <LogPanel path={`/instances/${row.id}/logs`} label={`Log of ${row.name}`} />
    </div>
  );
}

/** What of its limits and isolation the host does not enforce. */
function NotInForce({ what }: { what: string[] }) {
  return (
    <section class="caution not-in-force" aria-label="Not in force">
      <Icon name="warn" />
      <ul>
        {what.map((one) => (
          <li key={one}>
            <b>Not in force:</b> {one}
          </li>
        ))}
      </ul>
    </section>
  );
}
