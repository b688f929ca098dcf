import type { EventView } from '../api/types';
import { clock, parse_time, stamp } from '../text/time';
import { look_of } from '../text/states';
import { StateIcon } from './StateLabel';

// Ids are shown by their first 8 digits, as everywhere.
const uuid = /([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

export function EventLine({ event }: { event: EventView }) {
  const at = parse_time(event.time);
  const look = look_of(event.level);
  return (
    <>
      <time class="event-time mono" title={at === undefined ? '' : stamp(at)}>
        {at === undefined ? '–' : clock(at).slice(0, 8)}
      </time>
      <StateIcon look={look} />
      <span class="visually-hidden">{look.word}</span>
      <span class="event-subject" title={event.subject}>
        {event.subject.replace(uuid, '$1')}
      </span>
      <span class="event-message">{event.message}</span>
      <span class="event-type mono muted">{event.type}</span>
      <span class="event-actor muted">{event.who?.actor}</span>
    </>
  );
}
