/** A thin bar with its figure. */
export function Meter({ value, label, tone = 'busy' }: { value: number; label: string; tone?: string }) {
  const percent = Math.max(0, Math.min(100, Math.round(value)));
  return (
    <span class={`meter tone-${tone}`} role="progressbar" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      <span class="meter-track">
        <span class="meter-fill" style={{ width: `${percent}%` }} />
      </span>
    </span>
  );
}
