import { useEffect, useState } from 'preact/hooks';
import { get, query } from '../api/client';
import type { Page, WhyView } from '../api/types';
import { Icon } from './icons';

interface Props {
  target: string; // "stack/service" or "stack/instance"
  /** Asked again when this changes: the state and reason that are to be explained. */
  about: string;
}

/** What the hub knows of why something is not simply well: what it waits for, last exit, which nodes do not fit. */
export function Why({ target, about }: Props) {
  const [items, set_items] = useState<WhyView[]>([]);
  useEffect(() => {
    let current = true;
    get<Page<WhyView>>(`/why${query({ target })}`).then(
      (answer) => {
        if (current) set_items(answer.items.slice(0, 8));
      },
      () => {},
    );
    return () => {
      current = false;
    };
  }, [target, about]);
  const told = items.filter((item) => item.facts.length || item.nodes.length);
  if (!told.length) return null;
  return (
    <div class="why">
      {told.map((item) => (
        <section key={item.instance} aria-label={`Why ${item.instance}`}>
          <h3>
            <Icon name="info" size={14} /> {item.instance}: {item.summary || item.state}
          </h3>
          <ul>
            {item.facts.map((fact) => (
              <li key={fact}>{fact}</li>
            ))}
            {item.nodes.map((verdict) => (
              <li key={verdict.node}>
                {verdict.node}: {verdict.fits ? 'fits' : verdict.reason}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

const well = new Set(['ready', 'completed', 'stopped']);
export const needs_why = (state: string) => !well.has(state);
