import type { NodeView } from '../api/types';
import { Ago } from '../parts/Ago';
import { Icon } from '../parts/icons';
import { Facts } from '../parts/Facts';
import { bytes } from '../text/format';
import { drain, each } from './Nodes';

/** What is known of a node, and its switches. */
export function NodeDetail({ row }: { row: NodeView }) {
  const facts: [string, preact.ComponentChildren][] = [
    ['Host name', row.hostname],
    ['Address', row.address],
    ['System', [row.os, row.kernel, row.arch].filter(Boolean).join(' · ')],
    ['Size', row.cpus ? `${row.cpus} cores, ${bytes(row.memory)}` : ''],
    ['Ends processes by', row.level],
    ['Joined', <Ago key="j" at={row.joined_at} suffix=" ago" />],
    ['Connected', row.connected_at ? <Ago key="c" at={row.connected_at} suffix=" ago" /> : 'not now'],
    ['Id', <span key="i" class="mono">{row.id}</span>],
  ];
  return (
    <div class="node-detail">
      <Facts facts={facts} />
      <span class="actions">
        <button type="button" class="button" onClick={() => each([row], row.cordoned ? 'uncordon' : 'cordon')}>
          <Icon name={row.cordoned ? 'check' : 'cordon'} size={14} /> {row.cordoned ? 'Uncordon' : 'Cordon'}
        </button>
        {row.draining ? (
          <button type="button" class="button" onClick={() => each([row], 'undrain')}>
            <Icon name="up" size={14} /> Stop draining
          </button>
        ) : (
          <button type="button" class="button danger" onClick={() => drain([row])}>
            <Icon name="drain" size={14} /> Drain …
          </button>
        )}
        <a class="button" href={`/services?filter=nodes:${row.name}`}>
          <Icon name="services" size={14} /> Its services
        </a>
      </span>
    </div>
  );
}
