import { useState } from 'preact/hooks';
import { write } from '../api/client';
import { Command } from '../parts/Command';
import { Sheet } from '../parts/Sheet';
import { dialog } from './dialogs';

interface Token {
  id: string;
  line: string;
  expires_at: string;
}

/** A line that lets one new node in. It is shown once. */
export function Join() {
  const [token, set_token] = useState<Token>();
  const [problem, set_problem] = useState('');
  const make = async () => {
    try {
      set_token(await write<Token>('/join-tokens', { body: { uses: 1, ttl: '1h', labels: {}, replace: '' } }));
    } catch (error) {
      set_problem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Sheet title="Join a node" onClose={() => (dialog.value = undefined)}>
      {problem ? <p class="problem" role="alert">{problem}</p> : null}
      {token ? (
        <>
          <p class="lead">On the new machine:</p>
          <p><Command text={`drover node join '${token.line}' && drover agent`} /></p>
          <p class="muted">
            For one node, until {token.expires_at.slice(0, 16).replace('T', ' ')} UTC. The line is a secret and is not shown again.
          </p>
        </>
      ) : (
        <>
          <p class="lead">A join line lets one new machine in, within an hour.</p>
          <button type="button" class="button primary" onClick={make}>
            Make a join line
          </button>
        </>
      )}
    </Sheet>
  );
}
