import { version_look } from '../text/states';
import { StateIcon } from './StateLabel';

/** A version, right-aligned by its column; how it compares with the hub's is icon, colour and tooltip. */
export function Version({ version, match }: { version: string; match: string }) {
  if (!version) return <span class="version muted">–</span>;
  const look = version_look(match);
  return (
    <span class={`version match-${match}`} title={`${version}: ${look.word}`}>
      {match === 'same' ? null : <StateIcon look={look} />}
      {match === 'same' ? null : <span class="visually-hidden">{look.word}</span>}
      <span>{version}</span>
    </span>
  );
}
