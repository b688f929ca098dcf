import type { InstanceView, OperationKind } from '../api/types';
import { ask } from '../operate/request';
import { Icon } from './icons';

/** Start, stop, restart, reload of one instance, each by the sheet with its preview. */
export function InstanceActions({ row, words = false }: { row: InstanceView; words?: boolean }) {
  const target = `${row.stack}/${row.name}`;
  const kinds: OperationKind[] = row.desired !== 'run' ? ['start'] : words ? ['reload', 'restart', 'stop'] : ['restart', 'stop'];
  return (
    <span class="actions">
      {kinds.map((kind) => (
        <button
          key={kind}
          type="button"
          class={words ? `button ${kind === 'stop' ? 'danger' : ''}` : 'icon-button'}
          aria-label={`${kind} ${row.name}`}
          title={`${kind} …`}
          onClick={() => ask(kind, target, [target])}
        >
          <Icon name={kind === 'start' ? 'play' : kind} size={15} />
          {words ? ` ${kind[0]?.toUpperCase()}${kind.slice(1)}` : null}
        </button>
      ))}
    </span>
  );
}
