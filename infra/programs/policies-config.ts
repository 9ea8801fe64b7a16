import { packConfig } from '@mcp/policies';
import { stacks } from '@mcp/stacks';
import { policySettings } from '../charts/namespace/policies.ts';

const USAGE = `usage: npm run --silent policies:config [-- <stack>] > policies.json

Prints what a stack (${Object.keys(stacks).join(', ')}; default local) tells the policy pack, for
pulumi preview --policy-pack policies/pack --policy-pack-config policies.json`;

const [name = 'local'] = process.argv.slice(2);
const stack = stacks[name];
if (stack === undefined) {
  process.stderr.write(`There is no stack '${name}'. ${USAGE}\n`);
  process.exitCode = 2;
} else process.stdout.write(`${JSON.stringify(packConfig(policySettings(stack.kubernetes)), null, 2)}\n`);
