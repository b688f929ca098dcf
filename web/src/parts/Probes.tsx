import { useEffect, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { ProbesView } from '../api/types';
import { look_of } from '../text/states';
import { largest_part } from '../text/time';
import { Ago } from './Ago';
import { StateIcon } from './StateLabel';

interface Props {
  instance: string; // its id
  /** Asked again when this changes: the state and reason that the answers explain. */
  about: string;
}

type Result = ProbesView['items'][number]['results'][number];

const mark_of = (result: Result) =>
  result.ok ? { state: 'ready', word: 'good' } : result.unrunnable ? { state: 'unknown', word: 'cannot be run' } : { state: 'failed', word: 'bad' };

function Mark({ state, word }: { state: string; word: string }) {
  return (
    <span title={word}>
      <StateIcon look={look_of(state)} />
      <span class="visually-hidden">{word}</span>
    </span>
  );
}

/** The newest first; the same answer again and again is one line. */
function runs_of(results: Result[]) {
  const runs: { result: Result; times: number }[] = [];
  for (const result of [...results].reverse()) {
    const last = runs.at(-1);
    if (last && last.result.ok === result.ok && last.result.unrunnable === result.unrunnable && last.result.detail === result.detail)
      last.times += 1;
    else runs.push({ result, times: 1 });
  }
  return runs;
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
        Probes
        {probes.map((one) => (
          <span key={one.probe} class="probe-chip">
            <Mark state={one.passed ? 'ready' : 'failed'} word={one.passed ? 'passes' : 'does not pass'} /> {one.probe}
          </span>
        ))}
      </summary>
      {probes.map((one) => (
        <section key={one.probe} aria-label={`Probe ${one.probe}`}>
          <h3>
            {one.probe} <span class="muted">{one.kind}</span>
          </h3>
          <ul>
            {runs_of(one.results).map(({ result, times }) => (
              <li key={result.at}>
                <Mark {...mark_of(result)} />
                <Ago at={result.at} suffix=" ago" />
                <span class="muted">{largest_part(result.took)}</span>
                <span class="detail">
                  {result.detail}
                  {times > 1 ? <span class="muted"> ×{times}</span> : null}
                </span>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </details>
  );
}
