import { look_of, type Look } from '../text/states';

export function StateIcon({ look }: { look: Look }) {
  return (
    <svg
      class={`state-icon tone-${look.tone} shape-${look.shape}`}
      viewBox="0 0 16 16"
      width="14"
      height="14"
      aria-hidden="true"
      focusable="false"
    >
      {paths[look.shape]}
    </svg>
  );
}

const paths = {
  dot: <circle cx="8" cy="8" r="5" class="fill" />,
  ring: <circle cx="8" cy="8" r="5" class="line dashed" />,
  spinner: <path d="M8 3a5 5 0 1 1-5 5" class="line" />,
  triangle: <path d="M8 2.2 15 14H1z" class="fill" />,
  square: <rect x="2.8" y="2.8" width="10.4" height="10.4" rx="1.6" class="fill" />,
  check: <path d="m3 8.5 3.4 3.5L13 4.8" class="line thick" />,
  question: <path d="M5.2 6a2.8 2.8 0 1 1 4.2 2.5C8.400 9 8 9.600 8 10.500M8 13.400v.01" class="line thick" />,
  bar: <rect x="3.5" y="3.5" width="9" height="9" rx="1.6" class="line" />,
};

/** Icon and word, never colour alone; `reason` says why it is not simply well. */
export function StateLabel({ state, reason: told = '', word }: { state: string; reason?: string; word?: string }) {
  const look = look_of(state);
  const reason = told.startsWith(`${look.word}: `) ? told.slice(look.word.length + 2) : told;
  return (
    <span class="state" title={reason ? `${look.word}: ${reason}` : look.word}>
      <StateIcon look={look} />
      <span class={`state-word tone-${look.tone}`}>{word ?? look.word}</span>
      {reason ? <span class="state-reason">{reason}</span> : null}
    </span>
  );
}
