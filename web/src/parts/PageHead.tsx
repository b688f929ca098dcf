import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { is_live, live } from '../live/live';
import { age, now } from '../text/time';
import { Icon } from './icons';

interface Props {
  title: ComponentChildren;
  name: string; // of the window
  figures?: ComponentChildren;
  children?: ComponentChildren;
}

/** Title, figures, actions; and a line that says how old everything is while the hub is away. */
export function PageHead({ title, name, figures, children }: Props) {
  useEffect(() => {
    document.title = `${name} · Drover`;
  }, [name]);
  return (
    <>
      <div class="page-head">
        <h1>{title}</h1>
        {figures ? <span class="page-figures">{figures}</span> : null}
        <span class="spacer" />
        {children}
      </div>
      <StaleLine />
    </>
  );
}

function StaleLine() {
  if (is_live.value || !live.heard.value) return null;
  return (
    <div class="stale-line" role="status">
      <Icon name="warn" size={14} /> The hub is away. What you see is as of {age(now.value - live.heard.value)} ago.
    </div>
  );
}
