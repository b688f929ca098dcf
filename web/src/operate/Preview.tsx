import { useEffect, useState } from 'preact/hooks';
import { get, query } from '../api/client';
import type { OperationKind, OperationPreview, Page, ServiceView } from '../api/types';
import { AgentIcon, Icon } from '../parts/icons';
import { Names } from '../parts/Names';
import { group_by, plural, some_of } from '../text/format';
import { verbs } from './request';

/** What an operation touches: by node with names, what it leaves out and why, what depends on it. */
export function Preview({ kind, plan }: { kind: OperationKind; plan: OperationPreview }) {
  const nodes = group_by(plan.items, (item) => item.node || 'no node yet');
  const reasons = group_by(plan.excluded, (item) => item.reason);
  const stacks = new Set(plan.items.map((item) => item.stack)).size;
  return (
    <>
      <p class="lead">
        {plan.items.length ? (
          <>
            {verbs[kind].title} <b>{plural(plan.items.length, 'instance')}</b> of {plural(stacks, 'stack')} on{' '}
            {plural(nodes.length, 'node')}.
          </>
        ) : (
          <>Nothing to {kind}.</>
        )}
      </p>
      <ul class="preview-list">
        {nodes.map(([node, items]) => (
          <li key={node}>
            <details>
              <summary>
                <AgentIcon />
                <span class="grow">{node}</span>
                <b>{items.length}</b>
              </summary>
              <Names names={items.map((item) => `${item.stack}/${item.instance_name}`)} />
            </details>
          </li>
        ))}
      </ul>
      {kind === 'start' ? null : <Dependants plan={plan} />}
      {plan.excluded.length ? (
        <>
          <h3>Left out: {plan.excluded.length}</h3>
          <ul class="preview-list">
            {reasons.map(([reason, items]) => (
              <li key={reason}>
                <details>
                  <summary>
                    <Icon name="cordon" />
                    <span class="grow">{reason}</span>
                    <b>{items.length}</b>
                  </summary>
                  <Names names={items.map((item) => item.instance)} />
                </details>
              </li>
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}

const service_of = (instance: string) => instance.replace(/(-\d+|@.*)$/, '');

/** Services that are not touched themselves but need one that is. */
function Dependants({ plan }: { plan: OperationPreview }) {
  const [names, set_names] = useState<string[]>([]);
  useEffect(() => {
    let current = true;
    const touched = new Set(plan.items.map((item) => `${item.stack}/${service_of(item.instance_name)}`));
    const stacks = [...new Set(plan.items.map((item) => item.stack))].slice(0, 20);
    const ask = (stack: string) => get<Page<ServiceView>>(`/services${query({ filter: `stack:${stack}`, limit: 1000 })}`);
    Promise.all(stacks.map(ask)).then(
      (pages) => {
        const services = pages.flatMap((page) => page.items).filter((service) => !touched.has(service.id));
        const hit = services.filter((service) => service.depends_on.some((name) => touched.has(`${service.stack}/${name}`)));
        if (current) set_names(hit.map((service) => service.id));
      },
      () => {},
    );
    return () => {
      current = false;
    };
  }, [plan]);
  if (!names.length) return null;
  return (
    <p class="caution">
      <Icon name="warn" /> {plural(names.length, 'service depends', 'services depend')} on these and {names.length === 1 ? 'is' : 'are'} not
      touched: {some_of(names, 6)}.
    </p>
  );
}
