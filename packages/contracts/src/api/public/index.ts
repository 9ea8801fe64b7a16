import { administrationRoutes } from './administration.ts';
import { auditRoutes } from './audit.ts';
import { conversationRoutes } from './conversations.ts';
import { logRoutes } from './log.ts';
import type { PublicRoutes } from './route.ts';
import { storedRoutes } from './stored.ts';
import { wireRoutes } from './wires.ts';

/**
 * Every route of the public interface: what it takes, answers and asks of its caller. The document at `/openapi.json`
 * is made from it, and a test holds it to the routes that the gateway serves.
 */
export const PUBLIC_ROUTES: PublicRoutes = {
  ...wireRoutes,
  ...storedRoutes,
  ...conversationRoutes,
  ...logRoutes,
  ...auditRoutes,
  ...administrationRoutes,
};
