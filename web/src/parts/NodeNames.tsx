import { AgentIcon } from './icons';

/** Where something runs: the first nodes by name. */
export function NodeNames({ names, max = 2 }: { names: readonly string[]; max?: number }) {
  if (!names.length) return <span class="muted">–</span>;
  return (
    <span class="node-names" title={names.join(', ')}>
      <AgentIcon size={14} />
      {names.slice(0, max).map((name, index) => (
        <span key={name}>
          <a href={`/nodes?filter=${encodeURIComponent(name)}`}>{name}</a>
          {index < Math.min(max, names.length) - 1 ? ',' : ''}
        </span>
      ))}
      {names.length > max ? <span class="muted">+{names.length - max}</span> : null}
    </span>
  );
}
