import type { InstanceView } from '../api/types';
import { age, now, parse_time } from '../text/time';
import { StateLabel } from './StateLabel';

/** State and reason, with the next try counted down, and how old it is when the agent is away. */
export function InstanceStateLabel({ row }: { row: InstanceView }) {
  const next = parse_time(row.next_try);
  const wait = next === undefined ? 0 : Math.ceil((next - now.value) / 1000);
  const parts = [row.reason, row.state === 'backoff' && wait > 0 ? `next try in ${wait} s` : '', as_of(row)];
  return <StateLabel state={row.state} reason={parts.filter(Boolean).join(', ')} />;
}

function as_of(row: InstanceView): string {
  const at = parse_time(row.as_of);
  if (row.fresh || at === undefined) return '';
  return `as of ${age(now.value - at)} ago`;
}
