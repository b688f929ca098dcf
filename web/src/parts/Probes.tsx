import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { ProbesView } from '../api/types';
import { Ago } from './Ago';

interface Props {
  instance: string; // its id
  /** Asked again when this changes: the state and reason that the answers explain. */
  about: string;
}

/** The last answers of an instance's probes. The agent holds them; they are fetched when someone looks. */
export function Probes({ instance, about }: Props) {
  const [probes, set_probes] = useState<ProbesView['items']>([]);
  useEffect(() => {
    let current = true;
    get<ProbesView>(`/instances/${instance}/probes`).then(
      (answer) => {
        if (current) set_probes(answer.items);
      },
      () => {},
    );
    return () => {
      current = false;
    };
  }, [instance, about]);
  if (!probes.length) return null;
  return (
    <details class="probes">
      <summary>
        Probes: {probes.map((one) => `${one.probe} ${one.passed ? '✓' : '✗'}`).join(', ')}
      </summary>
      {probes.map((one) => (
        <section key={one.probe} aria-label={`Probe ${one.probe}`}>
          <h3>
            {one.probe} ({one.kind})
          </h3>
          <ul>
            {[...one.results].reverse().map((result) => (
              <li key={result.at}>
                {result.ok ? '✓' : result.unrunnable ? '?' : '✗'} <Ago at={result.at} suffix=" ago" />, {result.took}:{' '}
                {result.unrunnable ? 'cannot be run: ' : ''}
                {result.detail}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </details>
  );
}
