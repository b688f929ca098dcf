import { live, mean_progress, open_tasks, summary } from '../live/live';
import { AgentIcon, HubIcon, Icon } from '../parts/icons';
import { selected_count } from '../parts/selection';
import { StateIcon } from '../parts/StateLabel';
import { look_of } from '../text/states';
import { age, now } from '../text/time';
import { compare_versions } from '../text/versions';
import { plural } from '../text/format';

/** Left: the whole. Right: what is picked, who runs which version, the hub's version last. */
export function StatusBar() {
  const s = summary.value;
  const failing = s?.services_failing ?? 0;
  const bad = live.link.value !== 'live' || (s && s.hub_state !== 'ok');
  return (
    <footer class={`status ${bad ? 'status-bad' : ''}`} aria-label="Status">
      <Connection />
      {s ? (
        <>
          <a class={`item ${s.nodes_online < s.nodes ? 'warning' : ''}`} href="/nodes" title={`${s.nodes_online} of ${plural(s.nodes, 'agent')} online`}>
            <AgentIcon size={14} /> {s.nodes_online}/{s.nodes}
            <span class="wide-only"> agents</span>
          </a>
          <a class="item" href="/services" title={`${s.services_ok} of ${plural(s.services, 'service')} well`}>
            <Icon name="check" size={13} /> {s.services_ok}
          </a>
          <a class={`item ${failing ? 'error' : ''}`} href="/services?filter=state:failed|unhealthy|backoff|stuck|lost" title={plural(failing, 'failing service')}>
            <Icon name="close" size={13} /> {failing}
          </a>
          <a class="item wide-only" href="/tasks" title={plural(s.tasks_open, 'open task')}>
            {s.tasks_open ? <StateIcon look={look_of('running')} /> : <Icon name="tasks" size={13} />}
            {plural(s.tasks_open, 'task')}
            {s.tasks_open && open_tasks.loaded.value ? ` ${mean_progress.value} %` : ''}
          </a>
          {s.hub_state === 'ok' ? null : <span class="item error">hub is {s.hub_state.replace('_', ' ')}</span>}
        </>
      ) : null}
      <span class="spacer" />
      {selected_count.value ? <span class="item">{selected_count.value} selected</span> : null}
      {s ? <AgentVersions versions={s.agent_versions} hub={s.hub_version} /> : null}
      <a class="item hub-item" href="/nodes" title="Version of the hub">
        <HubIcon size={14} /> <span class="wide-only">hub </span>
        {s?.hub_version ?? live.hello.value?.hub_version ?? '–'}
      </a>
    </footer>
  );
}

function Connection() {
  const link = live.link.value;
  const heard = live.heard.value;
  if (link === 'live') {
    const rtt = live.rtt.value;
    return (
      <button type="button" class="item link-live" title="Connected: changes come by themselves" onClick={() => live.set_rate(4)}>
        <span aria-hidden="true">●</span> live{rtt === undefined ? '' : ` ${rtt} ms`}
      </button>
    );
  }
  const wait = Math.max(0, Math.ceil((live.retry_at.value - now.value) / 1000));
  const text = link === 'connecting' ? 'connecting …' : wait > 0 ? `reconnecting in ${wait} s` : 'reconnecting …';
  return (
    <button type="button" class="item link-lost" title="Click to try now" onClick={() => live.retry()}>
      <span aria-hidden="true">◌</span> {text}
      {heard ? ` · as of ${age(now.value - heard)} ago` : ''}
    </button>
  );
}

function AgentVersions({ versions, hub }: { versions: Record<string, number>; hub: string }) {
  const names = Object.keys(versions).sort(compare_versions).reverse();
  if (!names.length) return null;
  const mixed = names.some((version) => version !== hub);
  const text = names.map((version) => `${version || 'unknown'}×${versions[version]}`).join('  ');
  return (
    <a class={`item wide-only versions ${mixed ? 'warning' : ''}`} href="/nodes" title={mixed ? 'Not all agents run the version of the hub' : 'All agents run the version of the hub'}>
      agents {text}
      {mixed ? <Icon name="warn" size={13} /> : null}
      {mixed ? <span class="visually-hidden">differs from the hub</span> : null}
    </a>
  );
}
