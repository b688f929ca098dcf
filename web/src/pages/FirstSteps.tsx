import { Command } from '../parts/Command';
import { AgentIcon, HubIcon, Icon } from '../parts/icons';

/** What an empty fleet shows: the exact commands that fill it. */
export function FirstSteps() {
  return (
    <section class="first-steps" aria-label="First steps">
      <h2>Nothing runs here yet</h2>
      <ol>
        <li>
          <h3>
            <HubIcon /> Let a machine in
          </h3>
          <p>On this machine, make a join line (it holds for one node):</p>
          <Command text="drover token create" />
        </li>
        <li>
          <h3>
            <AgentIcon /> Start its agent
          </h3>
          <p>On the new machine, with that line:</p>
          <Command text="drover node join 'LINE' && drover agent" />
        </li>
        <li>
          <h3>
            <Icon name="stacks" /> Deploy a stack
          </h3>
          <p>From a stack file; the services appear here by themselves:</p>
          <Command text="drover apply stack.yaml" />
        </li>
      </ol>
    </section>
  );
}
