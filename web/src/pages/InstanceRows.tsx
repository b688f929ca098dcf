import type { InstanceView, ServiceView } from '../api/types';
import { by_id, use_list } from '../live/use-list';
import { Ago } from '../parts/Ago';
import { Icon } from '../parts/icons';
import { InstanceActions } from '../parts/InstanceActions';
import { NodeNames } from '../parts/NodeNames';
import { Ports } from '../parts/Ports';
import { StateIcon } from '../parts/StateLabel';
import { InstanceStateLabel } from '../parts/InstanceStateLabel';
import { needs_why, Why } from '../parts/Why';
import { look_of } from '../text/states';

/** The instances of a service, live, below its row. */
export function InstanceRows({ service }: { service: ServiceView }) {
  const filter = `stack:${service.stack} service:${service.name}`;
  const list = use_list<InstanceView>({ topic: 'instances', filter, sort: 'name', limit: 200 }, by_id);
  if (list.problem.value) return <p class="problem">{list.problem.value}</p>;
  if (!list.loaded.value) return <p class="muted">Waiting for the hub …</p>;
  if (!list.order.value.length) return <p class="muted">No instances.</p>;
  return (
    <>
    <ul class="instances" aria-label={`Instances of ${service.id}`}>
      {list.order.value.map((id) => {
        const row = list.row(id)?.value;
        return row ? <InstanceLine key={id} row={row} /> : null;
      })}
      {service.depends_on.length ? <li class="depends muted">needs {service.depends_on.join(', ')}</li> : null}
    </ul>
    {needs_why(service.state) ? <Why target={service.id} about={`${service.state} ${service.reason}`} /> : null}
    </>
  );
}

function InstanceLine({ row }: { row: InstanceView }) {
  return (
    <li class={row.fresh ? '' : 'old'}>
      <InstanceStateLabel row={row} />
      <span class="instance-cell">
        <a class="instance-name" href={`/instances/${row.id}`}>
          {row.name}
        </a>
        {row.task ? (
          <span class="task-chip">
            <StateIcon look={look_of('running')} /> {row.task_type.replace('_', '')}
          </span>
        ) : null}
      </span>
      <NodeNames names={row.node ? [row.node] : []} />
      <span class="muted">{row.pid ? `pid ${row.pid}` : ''}</span>
      <span class="muted">
        <Ago at={row.since} />
      </span>
      <Ports ports={row.ports} />
      <span>{row.outdated ? <span class="tag tone-warn">rev. {row.revision}, outdated</span> : null}</span>
      <span class="actions">
        <a class="icon-button" href={`/instances/${row.id}`} aria-label={`Log of ${row.name}`} title="Log">
          <Icon name="logs" size={15} />
        </a>
        <InstanceActions row={row} />
      </span>
    </li>
  );
}
