import { json_lines, send } from '../api/client';
import type { EventView } from '../api/types';
import { events } from './live';

const wanted = 300;

/** Reads the newest events of the past once; the stream brings the rest. */
export async function fill_events(): Promise<void> {
  if (events.filled.value) return;
  const response = await send(`/events?limit=${wanted}`, {
    headers: { Accept: 'application/x-ndjson' },
    signal: AbortSignal.timeout(15_000),
  });
  const items: EventView[] = [];
  if (response.body) for await (const item of json_lines<EventView>(response.body)) items.push(item);
  events.fill(items);
}
