import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { typed_above } from '../operate/request';
import { Names } from './Names';
import { Sheet } from './Sheet';

export interface Question {
  title: string;
  lead: string;
  /** What will stop or change: its blast radius. */
  names: string[];
  action: string;
  /** To be typed when there are more than 20 names. */
  word: string;
}

const question = signal<(Question & { answer: (yes: boolean) => void }) | undefined>(undefined);

/** Shows what would be touched; true when the person agrees. */
export function confirm(what: Question): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      ...what,
      answer: (yes) => {
        question.value = undefined;
        resolve(yes);
      },
    };
  });
}

export function ConfirmSheet() {
  const current = question.value;
  return current ? <Open key={current.title} question={current} answer={current.answer} /> : null;
}

function Open({ question: what, answer }: { question: Question; answer: (yes: boolean) => void }) {
  const [typed, set_typed] = useState('');
  const must_type = what.names.length > typed_above;
  const ready = !must_type || typed.trim() === what.word;
  return (
    <Sheet
      title={what.title}
      onClose={() => answer(false)}
      footer={
        <>
          {must_type ? (
            <label class="typed">
              <span>
                Type <b>{what.word}</b>
              </span>
              <input value={typed} autocomplete="off" onInput={(event) => set_typed(event.currentTarget.value)} />
            </label>
          ) : null}
          <span class="spacer" />
          <button type="button" class="button" onClick={() => answer(false)}>
            Cancel
          </button>
          <button type="button" class="button primary danger" disabled={!ready} onClick={() => answer(true)}>
            {what.action}
          </button>
        </>
      }
    >
      <p class="lead">{what.lead}</p>
      <Names names={what.names} boxed />
    </Sheet>
  );
}
