import type { NodeView, ServiceView, TaskView } from '../api/types';
import { sick_nodes } from '../live/live';
import { by_id, use_list } from '../live/use-list';
import { Ago } from '../parts/Ago';
import { AgentIcon, Icon } from '../parts/icons';
import { StateIcon, StateLabel } from '../parts/StateLabel';
import { version_look } from '../text/states';
import { ask } from '../operate/request';
import { plural } from '../text/format';

const most = 12;

/** What a person should look at, each with the step that helps. */
export function Attention() {
  const failing = use_list<ServiceView>({ topic: 'services', filter: 'state:failed|unhealthy|backoff|stuck|lost', limit: most }, by_id);
  const tasks = use_list<TaskView>({ topic: 'tasks', filter: 'state:failed', sort: '-created_at', limit: 5 }, by_id);
  const versions = use_list<NodeView>({ topic: 'nodes', filter: 'version_match:minor|incompatible', limit: most }, by_id);
  const services = failing.all();
  const nodes = sick_nodes.all();
  const odd = versions.all();
  const failed = tasks.all().slice(0, 5);
  const n = services.length + nodes.length + odd.length + failed.length;
  return (
    <section class="panel" aria-labelledby="attention">
      <header>
        <h2 id="attention">Needs attention</h2>
        {failing.counts.value.matching > most ? <a href="/services?filter=state:failed|unhealthy|backoff|stuck|lost">all {plural(failing.counts.value.matching, 'service')}</a> : null}
      </header>
      {n ? (
        <ul class="attention">
          {nodes.map((row) => (
            <li key={row.id}>
              <StateLabel state={row.state} reason={row.message} />
              <a class="grow" href={`/nodes?filter=${row.name}&open=${row.id}`}>
                <AgentIcon size={14} /> {row.name}
              </a>
              <span class="muted">
                last seen <Ago at={row.last_seen ?? null} suffix=" ago" />, {plural(row.instances, 'instance')}
              </span>
            </li>
          ))}
          {services.map((row) => (
            <li key={row.id}>
              <StateLabel state={row.state} reason={row.reason} />
              <a class="grow" href={`/services?filter=stack:${row.stack} name:${row.name}&open=${row.id}`}>
                {row.id}
              </a>
              <span class="muted">
                {row.ready}/{row.desired} ready
              </span>
              {row.state === 'lost' ? null : (
                <button type="button" class="button" onClick={() => ask('restart', row.id, [row.id])}>
                  <Icon name="restart" size={14} /> Restart …
                </button>
              )}
            </li>
          ))}
          {odd.map((row) => (
            <li key={row.id}>
              <span class="state">
                <StateIcon look={version_look(row.version_match)} />
                <span class="state-word tone-warn">version {row.version}</span>
                <span class="state-reason">{version_look(row.version_match).word}</span>
              </span>
              <a class="grow" href={`/nodes?filter=${row.name}&open=${row.id}`}>
                <AgentIcon size={14} /> {row.name}
              </a>
              <span class="muted">update its agent</span>
            </li>
          ))}
          {failed.map((row) => (
            <li key={row.id}>
              <StateLabel state={row.state} reason={row.message} />
              <a class="grow" href={`/tasks?filter=state:failed&open=${row.id}`}>
                {row.type.replace('_', '')} {row.stack}/{row.instance}
              </a>
              <span class="muted">
                <Ago at={row.finished_at ?? row.created_at} suffix=" ago" />
              </span>
            </li>
          ))}
        </ul>
      ) : (
        <p class="all-well">
          <Icon name="check" /> Nothing does.
        </p>
      )}
    </section>
  );
}
