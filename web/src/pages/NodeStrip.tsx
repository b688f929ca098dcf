import type { NodeView } from '../api/types';
import { by_id, use_list } from '../live/use-list';
import { AgentIcon } from '../parts/icons';
import { StateIcon } from '../parts/StateLabel';
import { Version } from '../parts/Version';
import { look_of } from '../text/states';

const most = 200;

/** One cell a node: state, what runs there, its version. */
export function NodeStrip() {
  const list = use_list<NodeView>({ topic: 'nodes', sort: 'name', limit: most }, by_id);
  return (
    <section class="panel" aria-labelledby="strip">
      <header>
        <h2 id="strip">Fleet</h2>
        <a href="/nodes">All nodes</a>
      </header>
      <ul class="node-strip">
        {list.all().map((row) => (
          <li key={row.id}>
            <a href={`/nodes?filter=${row.name}&open=${row.id}`} class={row.state === 'online' ? '' : 'old'} title={`${row.name}: ${row.state}${row.message ? `, ${row.message}` : ''}`}>
              <span class="strip-name">
                <AgentIcon size={15} /> <b>{row.name}</b> <StateIcon look={look_of(row.state)} />
                <span class="visually-hidden">{row.state}</span>
              </span>
              <span class="strip-figures">
                <span>
                  {row.running}
                  <span class="muted">/{row.instances} running</span>
                  {row.failing ? <span class="tone-error"> · {row.failing} failing</span> : null}
                </span>
                <Version version={row.version} match={row.version_match} />
              </span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}
