// JavaScript, for Pulumi requires a pack's entry through ts-node, which knows no native ES modules; Node itself reads
// the TypeScript behind it. Alone here, for a pack starts a server.
import { PolicyPack } from '@pulumi/policy';
import { policies } from './policies.ts';

new PolicyPack('mcp', { policies: policies(), description: 'The rules of the platform.' });
