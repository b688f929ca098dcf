import { StateIcon } from '../parts/StateLabel';
import { count } from '../text/format';
import type { Shape, Tone } from '../text/states';

interface Props {
  href: string;
  title: string;
  figure: number;
  of?: number;
  tone: Tone;
  note: string;
}

const shapes: Record<Tone, Shape> = { ok: 'dot', busy: 'spinner', warn: 'triangle', error: 'square', idle: 'ring' };

/** A figure that is a link to what it counts. */
export function Tile({ href, title, figure, of, tone, note }: Props) {
  return (
    <a class={`tile tile-${tone}`} href={href}>
      <span class="tile-title">{title}</span>
      <span class="tile-figure">
        {count(figure)}
        {of === undefined ? null : <span class="tile-of">/{count(of)}</span>}
      </span>
      <span class="tile-note">
        <StateIcon look={{ tone, shape: shapes[tone], word: note }} /> {note}
      </span>
    </a>
  );
}
