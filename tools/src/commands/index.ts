import type { Command } from 'commander';
import { arbitrationCommand } from './arbitration.ts';
import { auditCommand } from './audit.ts';
import { docsCommand } from './docs.ts';
import { doctorCommand } from './doctor.ts';
import { encryptionCommand } from './encryption.ts';
import { flagsCommand } from './flags.ts';
import { forensicsCommand } from './forensics.ts';
import { holdsCommand } from './holds.ts';
import { identityCommand } from './identity.ts';
import { jobsCommand } from './jobs.ts';
import { keyCommand } from './key.ts';
import { keysCommand } from './keys.ts';
import { lineageCommand } from './lineage.ts';
import { logsCommand } from './logs.ts';
import { proofCommand } from './proof.ts';
import { riskCommand } from './risk.ts';
import { stackCommand } from './stack.ts';
import { startCommand } from './start.ts';
import { statusCommand } from './status.ts';
import { stopCommand } from './stop.ts';
import { subjectsCommand } from './subjects.ts';
import { traceCommand } from './trace.ts';
import { verifyCommand } from './verify.ts';

/** Every sub-command of `mcp`, in the order of its help. A new one: a file here and one line. */
export const commands: readonly (() => Command)[] = [
  startCommand,
  stopCommand,
  statusCommand,
  logsCommand,
  keyCommand,
  keysCommand,
  identityCommand,
  traceCommand,
  jobsCommand,
  verifyCommand,
  proofCommand,
  auditCommand,
  holdsCommand,
  subjectsCommand,
  lineageCommand,
  forensicsCommand,
  encryptionCommand,
  riskCommand,
  arbitrationCommand,
  stackCommand,
  flagsCommand,
  doctorCommand,
  docsCommand,
];
