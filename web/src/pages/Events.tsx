import { useEffect, useRef } from 'preact/hooks';
import type { EventView } from '../api/types';
import { events } from '../live/live';
import { fill_events } from '../live/past-events';
import { EventLine } from '../parts/EventLine';
import { FilterBar } from '../parts/FilterBar';
import { PageHead } from '../parts/PageHead';
import { notify_problem } from '../parts/toasts';
import { use_virtual } from '../parts/use-virtual';
import { count } from '../text/format';
import { parse_filter, type Filter } from '../text/filter';
import { useSignal } from '@preact/signals';
import { use_page } from './use-page';

const presets = [
  { label: 'All', value: undefined },
  { label: 'Warnings', value: 'warn|error' },
  { label: 'Errors', value: 'error' },
];

const members = (event: EventView) => ({
  level: event.level,
  type: event.type,
  stack: event.stack,
  service: event.service,
  instance: event.instance_name,
  node: event.node,
  actor: event.who?.actor ?? '',
  subject: event.subject,
  message: event.message,
});

/** What happened, newest first. The newest thousand are here; `drover events` has the rest. */
export function Events() {
  const page = use_page('-seq');
  const frozen = useSignal<readonly EventView[] | undefined>(undefined);
  const scroller = useRef<HTMLDivElement>(null);
  useEffect(() => {
    fill_events().catch((error) => notify_problem(error, 'Reading past events'));
  }, []);
  const filter: Filter = parse_filter(page.filter);
  const all = frozen.value ?? events.items.value;
  const shown = all.filter((event) => filter(members(event)));
  const fresh = frozen.value ? events.items.value.filter((event) => event.seq > (frozen.value?.[0]?.seq ?? 0)).length : 0;
  const virtual = use_virtual(scroller, { count: shown.length, key: (i) => String(shown[i]?.seq ?? i), estimate: () => 31 });
  const to_top = () => {
    frozen.value = undefined;
    scroller.current?.scrollTo({ top: 0 });
  };
  return (
    <div class="page list-page">
      <PageHead title="Events" name="Events" figures={count(shown.length)} />
      <FilterBar filter={page.filter} onChange={page.set_filter} placeholder="node:pve1  type:instance.*" preset_key="level" presets={presets} />
      <div class="data-list">
        {fresh ? (
          <button type="button" class="new-rows" onClick={to_top}>
            {count(fresh)} new · show
          </button>
        ) : null}
        <div
          class="data-scroll events"
          ref={scroller}
          tabIndex={0}
          role="region"
          aria-label="Events"
          onScroll={(event) => {
            const scrolled = event.currentTarget.scrollTop > 4;
            if (scrolled && !frozen.value) frozen.value = events.items.value;
            if (!scrolled && frozen.value) frozen.value = undefined;
          }}
        >
          <ul class="event-list" style={{ height: `${virtual.getTotalSize()}px` }}>
            {virtual.getVirtualItems().map((item) => {
              const event = shown[item.index];
              return event ? (
                <li key={String(item.key)} class="event" data-index={item.index} ref={virtual.measureElement} style={{ transform: `translateY(${item.start}px)` }}>
                  <EventLine event={event} />
                </li>
              ) : null;
            })}
          </ul>
          {shown.length ? null : <p class="data-empty muted">{events.filled.value ? 'No event matches.' : 'Waiting for the hub …'}</p>}
        </div>
      </div>
    </div>
  );
}
