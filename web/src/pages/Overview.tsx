import { useEffect } from 'preact/hooks';
import { events, mean_progress, summary } from '../live/live';
import { fill_events } from '../live/past-events';
import { EventLine } from '../parts/EventLine';
import { PageHead } from '../parts/PageHead';
import { plural } from '../text/format';
import { Attention } from './Attention';
import { FirstSteps } from './FirstSteps';
import { NodeStrip } from './NodeStrip';
import { Tile } from './Tile';

const ticker = 20;

/** How is everything? What needs me? What just happened? */
export function Overview() {
  useEffect(() => {
    fill_events().catch(() => {});
  }, []);
  const s = summary.value;
  return (
    <div class="page overview">
      <PageHead title="Overview" name="Overview" />
      {s ? (
        <>
          <div class="tiles">
            <Tile
              href="/nodes"
              title="Agents online"
              figure={s.nodes_online}
              of={s.nodes}
              tone={s.nodes_online < s.nodes ? 'error' : s.nodes ? 'ok' : 'idle'}
              note={s.nodes ? (s.nodes_online < s.nodes ? `${s.nodes - s.nodes_online} away` : 'all here') : 'none joined'}
            />
            <Tile
              href="/services"
              title="Services well"
              figure={s.services_ok}
              of={s.services}
              tone={s.services_failing ? 'error' : s.services_ok < s.services ? 'busy' : s.services ? 'ok' : 'idle'}
              note={s.services_failing ? `${s.services_failing} failing` : s.services_ok < s.services ? 'some are stopped or on the way' : s.services ? 'all well' : 'none yet'}
            />
            <Tile
              href="/services"
              title="Instances ready"
              figure={s.instances_ready}
              of={s.instances}
              tone={s.instances_failing ? 'warn' : s.instances ? 'ok' : 'idle'}
              note={s.instances_failing ? `${s.instances_failing} failing` : 'none failing'}
            />
            <Tile
              href="/tasks?filter=state:pending|assigned|running"
              title="Open tasks"
              figure={s.tasks_open}
              tone={s.tasks_open ? 'busy' : 'idle'}
              note={s.tasks_open ? `${mean_progress.value} % done` : s.tasks_failed ? `${plural(s.tasks_failed, 'task')} failed` : 'nothing waits'}
            />
            <Tile href="/stacks" title="Deployments" figure={s.deployments_live} tone={s.deployments_live ? 'busy' : 'idle'} note={s.deployments_live ? 'on the way' : 'none on the way'} />
          </div>
          {s.nodes && s.services ? <Attention /> : <FirstSteps />}
          {s.nodes ? <NodeStrip /> : null}
          <section class="panel" aria-labelledby="ticker">
            <header>
              <h2 id="ticker">Just happened</h2>
              <a href="/events">All events</a>
            </header>
            <ul class="event-ticker">
              {events.items.value.slice(0, ticker).map((event) => (
                <li key={event.seq} class="event">
                  <EventLine event={event} />
                </li>
              ))}
            </ul>
            {events.items.value.length ? null : <p class="muted">Nothing yet.</p>}
          </section>
        </>
      ) : (
        <p class="muted">Waiting for the hub …</p>
      )}
    </div>
  );
}
