import type { EventView } from '../api/types';
import { clock, parse_time, stamp } from '../text/time';
import { look_of } from '../text/states';
import { StateIcon } from './StateLabel';

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
      <span class="event-subject">{event.subject}</span>
      <span class="event-message">{event.message}</span>
      <span class="event-type mono muted">{event.type}</span>
      <span class="event-actor muted">{event.who?.actor}</span>
    </>
  );
}
